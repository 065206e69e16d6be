"""Signals of spam and of a false sender in a mail: cautious, for a lost mail costs more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentmail_server.mail.addresslist import parse_addresses
from agentmail_server.mail.model import Mailbox, Signal
from agentmail_server.mail.safetyspamrules import RULES

if TYPE_CHECKING:
    from agentmail_server.mail.headers import Headers
    from agentmail_server.mail.safetyhtml import Seen

_ADDRESS = re.compile(r"[\w.+-]{1,64}@([\w-]{1,63}(?:\.[\w-]{1,63}){1,6})")
_IP_LINK = re.compile(r"https?://(?:(?:\d{1,3}\.){3}\d{1,3}[/:]|\d{8,10}/)")
_LOUD = re.compile(r"[!$]{2,}|!\s*$")
_HOST = re.compile(r"(?:https?://)?((?:[\w-]{1,63}\.){1,6}[a-z]{2,24})(?:[/:?\s]|$)", re.IGNORECASE)
_WEIGHTS_END = 12


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rules look at; `form` is subject and text in their plain form."""

    headers: Headers
    subject: str
    sender: Mailbox
    form: str
    seen: Seen


def spam_signals(mail: Evidence) -> tuple[Signal, ...]:
    """Return what speaks for spam, strongest first."""
    found = [*_by_words(mail), *_by_head(mail), *_by_links(mail)]
    return tuple(sorted(found, key=lambda each: -each.weight)[:_WEIGHTS_END])


def _by_words(mail: Evidence) -> Iterator[Signal]:
    for code, label, weight, rules in RULES:
        if any(next(each.hits(mail.form), None) for each in rules):
            yield Signal(code, label, weight)
    letters = [sign for sign in mail.subject if sign.isalpha()]
    if len(letters) >= 12 and sum(sign.isupper() for sign in letters) > 0.9 * len(letters):
        yield Signal("shouting", "the subject is in capitals", 0.25)
    if _LOUD.search(mail.subject):
        yield Signal("loud", "the subject has exclamation or money signs", 0.15)


def _by_head(mail: Evidence) -> Iterator[Signal]:
    if claimed := claimed_address(mail.sender):
        yield Signal("display_name_spoof", f"the sender's name claims to be {claimed[:80]}", 0.35)
    if not mail.headers.raw("message-id"):
        yield Signal("no_message_id", "it has no Message-ID", 0.15)
    if not mail.headers.raw("date"):
        yield Signal("no_date", "it has no date", 0.15)
    answers = parse_addresses(mail.headers.raw("reply-to")[:4000])
    if answers and mail.sender.address and not mail.headers.raw("list-id"):
        domains = {each.address.rpartition("@")[2].casefold() for each in answers}
        own = mail.sender.address.rpartition("@")[2].casefold()
        if not any(_akin(each, own) for each in domains):
            yield Signal("foreign_reply", "replies would go to another domain", 0.1)


def _by_links(mail: Evidence) -> Iterator[Signal]:
    if any(_IP_LINK.match(address) for _, address in mail.seen.links) or _IP_LINK.search(mail.form):
        yield Signal("bare_ip_link", "a link leads to a bare address", 0.35)
    if any(_lies(said, address) for said, address in mail.seen.links):
        yield Signal("link_mismatch", "a link says another host than it leads to", 0.15)
    if mail.seen.images and len(mail.seen.shown) < 120 and mail.seen.links:
        yield Signal("only_images", "pictures and links but hardly a word", 0.2)


def claimed_address(sender: Mailbox) -> str:
    """Return an address in the sender's name that is of another domain than the sender's own."""
    hit = _ADDRESS.search(sender.name)
    if hit is None or not sender.address or " via " in sender.name.casefold():
        return ""
    own = sender.address.rpartition("@")[2].casefold()
    return "" if _akin(hit[1].casefold(), own) else hit[0]


def _lies(said: str, address: str) -> bool:
    shown, real = _HOST.fullmatch(said.strip().rstrip("/")), _HOST.match(address)
    if shown is None or real is None or not said.strip().lower().startswith(("http", "www.")):
        return False
    return not _akin(shown[1].casefold(), real[1].casefold())


def _akin(one: str, other: str) -> bool:
    """Tell whether two hosts share their last two names."""
    return one.split(".")[-2:] == other.split(".")[-2:]

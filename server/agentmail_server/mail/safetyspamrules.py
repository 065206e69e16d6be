"""Words of spam by kind, each with its code, what a person reads and its weight, 0 to 1."""

from __future__ import annotations

import re

from agentmail_server.mail.safetyrules import Rule, rule

# Up to the first sign of the pattern that is no letter of the phrase.
_LITERAL = re.compile(r"(?:[\w %'-](?!\?))+")


def _words(*phrases: str) -> Rule:
    starts = [hit[0] for each in phrases if (hit := _LITERAL.match(each))]
    return rule(rf"\b(?:{'|'.join(phrases)})\b", "|".join(starts))


RULES: tuple[tuple[str, str, float, tuple[Rule, ...]], ...] = (
    (
        "advance_fee", "offers a share of a fortune", 0.5,
        (
            rule(
                r"\b(?:next of kin|beneficiary|inheritance|consignment)\b.{0,200}?"
                r"\b(?:million|fund|usd|dollars)\b",
                "next of kin|beneficiary|inheritance|consignment",
            ),
            rule(
                r"\b(?:late|former) (?:president|minister|general|head of state)\b.{0,200}?"
                r"\b(?:million|fund|transfer)\b",
                "president|minister|general|head of state",
                "late |former ",
            ),
        ),
    ),
    (
        "lottery", "says that a prize was won", 0.45,
        (
            _words(
                "you have won", "you are a winner", "you are the winner", "winning number",
                "winning notification", "claim your prize", "claim your winnings",
                "claim your reward",
            ),
        ),
    ),
    (
        "pharmacy", "sells drugs", 0.45,
        (
            _words(
                "viagra", "cialis", "levitra", "xanax", "phentermine", "penis enlargement",
                "weight loss", "lose weight", "human growth hormone", "hgh",
            ),
        ),
    ),
    (
        "easy_money", "promises easy money", 0.35,
        (
            _words(
                "work from home", "work at home", "extra income", "financial freedom", "get rich",
                "multi-level", "be your own boss", "get out of debt", "no credit check",
                "mortgage rates?", "lowest rates?", "refinance",
            ),
            rule(r"\b(?:make|earn) (?:over |up to )?\$\d[\d,]{2,12}", "make |earn ", "$"),
        ),
    ),
    (
        "adult", "sells pornography", 0.4,
        (
            _words(
                "xxx", "hardcore", "barely legal", "hot teens", "hot girls", "hot singles",
                "live sex", "adult site", "adult content", "adult dating",
            ),
        ),
    ),
    (
        "pressure", "presses to act at once", 0.2,
        (
            _words(
                "act now", "limited time", "offer expires", "order now", "click here now",
                "100% free", "100% guaranteed", "risk[- ]free", "money[- ]back guarantee",
                "no obligation", "call now",
            ),
        ),
    ),
    (
        "excuse", "explains why it is no spam", 0.35,
        (
            _words(
                "this is not spam", "to be removed from", "remove yourself from", "bulk e-?mail",
                "removed? from our", "removed? from this", "removed? from future", "section 301",
                "opt-?in", "because you opted", "because you signed", "because you subscribed",
            ),
        ),
    ),
    (
        "phishing", "asks to confirm an account", 0.4,
        (
            rule(
                r"\b(?:verify|confirm|update|validate|restore) your (?:\w{1,14} ){0,2}"
                r"(?:account|identity|password|billing|credentials)\b.{0,300}?"
                r"\b(?:suspend|limited|24 hours|48 hours|terminated|unusual|deactivat)",
                "verify your|confirm your|update your|validate your|restore your",
                "suspend|limited|hours|terminated|unusual|deactivat",
            ),
            rule(
                r"\byour (?:\w{1,14} ){0,2}account (?:has been|was|will be|is) "
                r"(?:suspended|limited|locked|deactivated|terminated)\b",
                "suspended|limited|locked|deactivated|terminated",
                " account ",
            ),
        ),
    ),
)  # fmt: skip

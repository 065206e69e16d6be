from __future__ import annotations

import pytest
from agentmail_server.mail.parse import ParsedMail
from agentmail_server.mail.threading import base_subject, is_generic, reply_subject, thread_keys


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Launch plan", "RE: Re: launch  plan", "AW: Launch plan", "SV: Launch plan",
        "Antw: Launch plan", "R: Launch plan", "RES: Launch plan", "回复：Launch plan",
        "答复: Launch plan", "Re[2]: Launch plan", "Re (3): Launch plan", "Fwd: Re: Launch plan",
        "[team] Re: Launch plan", "Re: [team] Launch plan", "Ynt: Launch plan", "Odp: Launch plan",
        "Отв: Launch plan", "Re : Launch plan", "Launch plan (fwd)",
    ],
)  # fmt: skip
def test_prefixes_and_list_tags_are_stripped(subject: str) -> None:
    assert base_subject(subject) == "launch plan"


@pytest.mark.parametrize("subject", ["Order: 12", "Ref: 12", "[Ticket 7] Re: broken", "12: Re"])
def test_what_is_no_prefix_stays(subject: str) -> None:
    assert base_subject(subject) == subject.casefold()


def test_only_an_answer_counts_as_one() -> None:
    assert thread_keys(ParsedMail(subject="Re: Launch plan")).had_reply_prefix
    assert not thread_keys(ParsedMail(subject="Fwd: Launch plan")).had_reply_prefix
    assert not thread_keys(ParsedMail(subject="Launch plan")).had_reply_prefix


@pytest.mark.parametrize("base", ["", "hi", "test", "invoice", "(no subject)", "hello!"])
def test_generic_subjects_join_nothing(base: str) -> None:
    assert is_generic(base)
    assert not thread_keys(ParsedMail(subject=f"Re: {base}")).may_match_subject
    assert thread_keys(ParsedMail(subject="Re: Launch plan")).may_match_subject


def test_ids_are_newest_first_and_never_its_own() -> None:
    keys = thread_keys(
        ParsedMail(
            message_id="me@x",
            references=("a@x", "me@x", "b@x"),
            in_reply_to=("c@x", "b@x"),
            subject="Re: Launch plan",
        )
    )
    assert keys.references == ("b@x", "a@x", "c@x")
    assert not keys.may_match_subject


def test_an_answer_gets_one_prefix() -> None:
    assert reply_subject("Lunch") == "Re: Lunch"
    assert reply_subject("RE: Lunch") == "RE: Lunch"
    assert reply_subject("Fwd: Lunch") == "Re: Fwd: Lunch"


def test_a_subject_of_prefixes_ends() -> None:
    assert len(base_subject("Re: " * 10_000 + "x")) <= 200

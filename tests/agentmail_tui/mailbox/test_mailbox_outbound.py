from msgspec.structs import replace

from agentmail_tui.backends.decode import address
from agentmail_tui.backends.memory.mail import Mail
from agentmail_tui.clean import clean, clean_line
from agentmail_tui.domain import Direction, Draft, Message, Thread
from agentmail_tui.mailbox import outbound
from tests.agentmail_tui.mailbox.conftest import letter

OWN = frozenset({"support@near.test"})


def thread_of(*messages: Message) -> Thread:
    mail = Mail()
    return [mail.add(message) for message in messages][-1]


def reply(*messages: Message, everyone: bool = False) -> Draft:
    return outbound.reply_draft(
        thread_of(*messages), messages, local_id="k", own=OWN, everyone=everyone
    )


def test_a_reply_goes_to_the_sender_with_the_text_quoted() -> None:
    draft = reply(letter(1, text=clean("First line\n\n> older\n")))
    assert (draft.to, draft.cc) == (("p1@far.example",), ())
    assert (draft.subject, draft.thread_id, draft.inbox_id) == ("Re: Subject 1", "t1", "i_support")
    assert draft.body == (
        "\n\nOn Thu, 15 Jan 2026 08:59 UTC, Person 1 <p1@far.example> wrote:\n"
        "> First line\n>\n> > older\n"
    )


def test_the_newest_mail_that_came_in_is_answered() -> None:
    ours = letter(1, 9, direction=Direction.OUTBOUND, sender=address("support@near.test"))
    draft = reply(letter(3, 9), letter(2, 9), ours)
    assert draft.to == ("p2@far.example",)
    assert "> Text 2" in draft.body


def test_reply_to_wins_over_the_sender() -> None:
    answers = (address("answers@far.example"),)
    assert reply(letter(1, reply_to=answers)).to == ("answers@far.example",)


def test_what_is_shown_otherwise_than_written_is_not_answered() -> None:
    assert reply(letter(1, sender=address("pay\u200bpal@far.example"))).to == ()


def test_a_reply_to_all_leaves_us_and_doubles_out() -> None:
    message = letter(
        1,
        to=tuple(map(address, ["Support@near.test", "P1@far.example", "b@far.example"])),
        cc=tuple(map(address, ["c@far.example", "b@far.example", "odd\u202e@far.example"])),
    )
    draft = reply(message, everyone=True)
    assert (draft.to, draft.cc) == (("p1@far.example",), ("b@far.example", "c@far.example"))


def test_a_thread_of_ours_alone_goes_on_to_the_same_people() -> None:
    ours = letter(
        1,
        direction=Direction.OUTBOUND,
        sender=address("support@near.test"),
        to=(address("ada@far.example"),),
    )
    assert reply(ours).to == ("ada@far.example",)


def test_re_is_written_once() -> None:
    for subject in ("Re: x", "RE: x", "re : x", " Re: x"):
        assert reply(letter(1, subject=clean_line(subject))).subject == clean_line(subject)
    assert reply(letter(1, subject=clean_line("Report"))).subject == "Re: Report"


def test_a_forward_carries_the_newest_mail_to_nobody_yet() -> None:
    messages = (letter(2, 1), letter(1))
    draft = outbound.forward_draft(thread_of(*messages), messages, local_id="k")
    assert (draft.to, draft.subject, draft.thread_id) == ((), "Fwd: Subject 1", None)
    assert draft.body.split("\n")[2:] == [
        "---------- Forwarded message ----------",
        "From: Person 1 <p1@far.example>",
        "Date: Thu, 15 Jan 2026 08:59 UTC",
        "Subject: Subject 1",
        "To: support@near.test",
        "",
        "Text 1",
        "",
    ]
    again = replace(letter(3), subject=clean_line("Fwd: x"))
    assert outbound.forward_draft(thread_of(again), (again,), local_id="k").subject == "Fwd: x"

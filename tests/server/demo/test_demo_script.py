from datetime import timedelta

from agentmail_server.demo.script import (
    INBOXES,
    Script,
    address_of,
    load_script,
    parse_span,
    unwrap,
)


def _script() -> Script:
    return load_script()


def test_spans_are_read() -> None:
    assert parse_span("1d 3h") == timedelta(days=1, hours=3)
    assert parse_span("8m 50s") == timedelta(minutes=8, seconds=50)


def test_story_has_four_inboxes_and_forty_threads_or_so() -> None:
    story = _script()
    threads = {step.thread for step in story.steps}
    assert [inbox.local_part for inbox in story.inboxes] == list(INBOXES)
    assert len(threads) >= 36
    assert {thread.inbox for thread in threads} == set(INBOXES)


def test_steps_run_forward_and_end_before_the_present() -> None:
    times = [step.ago for step in _script().steps]
    assert times == sorted(times, reverse=True)
    assert times[-1] > timedelta(0)
    assert times[0] < timedelta(days=7)


def test_people_begin_each_thread_and_only_live_in_reserved_domains() -> None:
    story = _script()
    posts = [step.post for step in story.steps] + [later.post for later in story.later]
    for step in story.steps:
        assert step.index > 0 or step.post.sender is not None
    for post in posts:
        for person in (*((post.sender,) if post.sender else ()), *post.cc):
            assert address_of(person).endswith((".test", ".example")), person


def test_the_delayed_answer_is_the_last_step() -> None:
    """Else its retry would fall due while the clock still runs through the story."""
    last = _script().steps[-1]
    assert "slow" in address_of(last.thread.person)
    assert last.post.sender is None


def test_triage_words_are_those_of_the_api() -> None:
    statuses = {step.thread.status for step in _script().steps}
    assert statuses == {"open", "needs_reply", "waiting", "closed"}


def test_paragraphs_are_one_line_each_and_short_lines_stay() -> None:
    long = "x" * 80
    assert unwrap(f"{long}\n{long}\nend\n\nBest\nAda") == f"{long} {long} end\n\nBest\nAda"
    assert unwrap(f"{long}\n  - one\n1. two\n{long}\n- three") == (
        f"{long}\n  - one\n1. two\n{long}\n- three"
    )

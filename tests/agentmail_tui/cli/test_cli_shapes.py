from datetime import UTC, datetime

from agentmail_tui.clean import Safe
from agentmail_tui.cli.shapes import address_json, aligned, time_json, triage_json
from agentmail_tui.cli.shot import parse_script
from agentmail_tui.cli.stage import Step
from agentmail_tui.domain import Address, Status, Triage


def test_columns_stand_below_one_another_whatever_the_width_of_signs() -> None:
    lines = aligned([("a", "日本", "end"), ("bbb", "x", "of line")])
    assert lines == ("a    日本  end", "bbb  x     of line")
    assert aligned([]) == ()


def test_times_are_utc_with_milliseconds() -> None:
    at = datetime(2026, 1, 15, 9, 0, 1, 234567, tzinfo=UTC)
    assert time_json(at) == "2026-01-15T09:00:01.234Z"
    assert time_json(None) is None


def test_unknown_triage_is_null() -> None:
    assert triage_json("conv_1", None) == {
        "thread_id": "conv_1",
        "status": None,
        "tags": None,
        "assigned_to": None,
    }
    known = triage_json("conv_1", Triage(Status.WAITING, (Safe("vip"),), Safe("maya")))
    assert known["status"] == "waiting"
    assert known["tags"] == ["vip"]


def test_address_is_the_exact_one() -> None:
    ada = Address(Safe("Ada"), Safe("ada@x.test"), "ada@x.test")
    assert address_json(ada) == {"name": "Ada", "address": "ada@x.test"}


def test_script_lines() -> None:
    text = "# go down\nj\n\nwait Damaged parcel\ntype a b\n#\nctrl+j\n"
    assert parse_script(text) == [
        Step("press", "j"),
        Step("wait", "Damaged parcel"),
        Step("type", "a b"),
        Step("press", "#"),
        Step("press", "ctrl+j"),
    ]

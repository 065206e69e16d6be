"""Where a schema is wrong, by the line on which its writer sees it."""

import json

import pytest

from agentmail_tui.mailbox.schema_text import TEMPLATE, complaint_of, placed

TEXT = """{
  "type": "object",
  "title": "a } and a \\" in it",
  "properties": {
    "lines": {
      "type": "array",
      "items": {"type": "objekt"}
    },
    "type":
      {"type": "string"}
  }
}"""


def test_example_is_a_schema() -> None:
    assert complaint_of(TEMPLATE) is None
    assert json.loads(TEMPLATE)["required"] == ["order_id"]


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 0), ('{\n  "a": 1,\n}', 2), ("[1]", 0), ('{"a": 1}\nx', 1), ("[" * 20_000, None)],
)
def test_no_json_is_told_with_its_line(text: str, line: int | None) -> None:
    found = complaint_of(text)
    assert found is not None
    assert found.line == line


def test_text_that_no_server_reads_is_told_before_it_is_sent() -> None:
    found = complaint_of('{"type": "object", "title": "' + "x" * 40_000 + '"}')
    assert found is not None
    assert found.text == "longer than 32 kB"


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("schema.type must be", 1),
        ("schema.properties.lines.items.type must be", 6),
        ("schema.properties.type is not supported", 8),
        ("schema.properties.lines.minItems is not supported", 4),
        ("schema.required names what properties does not hold", 0),
        ("schema is larger than 32768 bytes", 0),
        ("schema.title.inner must be", 2),
    ],
)
def test_refusal_is_placed_where_its_path_leads(place: str, line: int) -> None:
    assert placed(TEXT, f"Invalid request: {place}").line == line


def test_refusal_without_a_place_has_no_line() -> None:
    assert placed(TEXT, "name must not be blank").line is None

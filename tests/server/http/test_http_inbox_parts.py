"""Parts of an inbox set by routes of their own: its extraction schema and its webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

TICKET = {
    "type": "object",
    "title": "Ticket",
    "properties": {
        "order_id": {"type": "string", "description": "Number of the order", "maxLength": 20},
        "urgency": {"type": "string", "enum": ["low", "high"], "default": "low"},
        "refund": {"type": ["boolean", "null"]},
        "lines": {
            "type": "array", "minItems": 0,
            "items": {"type": "object", "properties": {"count": {"type": "integer", "minimum": 1}},
                      "required": ["count"]},
        },
        "due": {"type": "string", "format": "date"},
        "kind": {"const": "ticket"},
    },
    "required": ["order_id"],
}  # fmt: skip
BODY = {"name": "ticket", "description": "What is asked for", "schema": TICKET}


@pytest.fixture
async def path(api: Api) -> str:
    inbox = await api.inbox()
    return f"/v1/domains/{inbox['domain_id']}/inboxes/{inbox['id']}"


async def test_set_and_remove(api: Api, path: str) -> None:
    row = await api.data("PUT", f"{path}/extraction-schema", json=BODY)
    assert row["extraction_schema"] == row["extractionSchema"] == BODY | {"enabled": True}
    assert (await api.data("GET", path))["extraction_schema"] == BODY | {"enabled": True}
    again = await api.data("PUT", f"{path}/extraction-schema", json=BODY | {"enabled": False})
    assert again["extraction_schema"]["enabled"] is False
    gone = await api.data("DELETE", f"{path}/extraction-schema")
    assert gone["extraction_schema"] is None
    assert (await api.data("GET", path))["extraction_schema"] is None
    assert (await api.data("DELETE", f"{path}/extraction-schema"))["id"] == row["id"]


async def test_the_other_settings_stay(api: Api, path: str) -> None:
    before = await api.data("PUT", path, json={"webhook": {"endpoint": "https://hooks.example/"}})
    after = await api.data("PUT", f"{path}/extraction-schema", json=BODY)
    assert after["webhook"] == before["webhook"]


def nested(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "string"}
    for _ in range(levels - 1):
        node = {"type": "object", "properties": {"x": node}}
    return node


def wide(count: int) -> dict[str, Any]:
    properties = {f"p{number}": {"type": "string"} for number in range(count)}
    return {"type": "object", "properties": properties}


def of(**node: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": node}}


GOOD = [
    nested(5), wide(100), of(enum=list(range(200))), of(type="string", description="x" * 2000),
    of(type=["string", "null"]),
]  # fmt: skip
BAD = [
    {}, {"type": "array", "items": {}}, {"type": "object"}, {"type": "object", "properties": {}},
    {"type": "object", "properties": []}, nested(6), nested(100), wide(101),
    of(enum=list(range(201))), of(enum=[]), of(enum=[{}]), of(enum="x"), of(type="text"),
    of(type=[]), of(type=["string", "string"]), of(pattern="(a+)+$"), of(**{"$ref": "#"}),
    of(**{"$ref": "http://127.0.0.1:9/x"}), of(allOf=[{}]), of(anyOf=[{}]),
    of(additionalProperties={}), of(minimum="1"), of(minimum=True), of(minLength=-1),
    of(default={}), of(const=[]), of(description=7), of(description="x" * 2001), of(items=[{}]),
    of(required=["y"]), of(properties={"y": 7}), of(properties={"y\x01": {}}),
    {"type": "object", "properties": {"": {}}}, {"type": "object", "properties": {"x": None}},
    of(**{"x" * 40_000: 1}), {"type": "object", "properties": {"x": {}}, "$defs": {}},
]  # fmt: skip


@pytest.mark.parametrize("schema", GOOD)
async def test_good_schemas(api: Api, path: str, schema: dict[str, Any]) -> None:
    body = {"name": "x", "schema": schema}
    assert (await api.data("PUT", f"{path}/extraction-schema", json=body))["extraction_schema"]


@pytest.mark.parametrize("schema", BAD)
async def test_bad_schemas(api: Api, path: str, schema: dict[str, Any]) -> None:
    await api.refused(400, "PUT", f"{path}/extraction-schema", json={"name": "x", "schema": schema})
    assert (await api.data("GET", path))["extraction_schema"] is None


async def test_a_schema_a_thousand_deep(api: Api, path: str) -> None:
    deep = b'{"items":' * 900 + b"{}" + b"}" * 900
    body = b'{"name":"x","schema":{"type":"object","properties":{"x":' + deep + b"}}}"
    headers = {"Content-Type": "application/json"}
    await api.refused(400, "PUT", f"{path}/extraction-schema", content=body, headers=headers)


async def test_no_more_than_32_kilobytes(api: Api, path: str) -> None:
    long = {f"p{number}": {"type": "string", "description": "x" * 400} for number in range(90)}
    body = {"name": "x", "schema": {"type": "object", "properties": long}}
    refusal = await api.refused(400, "PUT", f"{path}/extraction-schema", json=body)
    assert "32768" in refusal["error"]


@pytest.mark.parametrize(
    "body",
    [{}, {"schema": TICKET}, {"name": "x"}, {"name": "", "schema": TICKET},
     {"name": "x", "schema": []}, {"name": "x", "schema": TICKET, "enabled": "perhaps"}],
)  # fmt: skip
async def test_bad_bodies(api: Api, path: str, body: dict[str, Any]) -> None:
    await api.refused(400, "PUT", f"{path}/extraction-schema", json=body)


async def test_a_schema_may_be_posted_without_a_name(api: Api, path: str) -> None:
    row = await api.data("POST", f"{path}/schema", json={"schema": TICKET})
    assert (row["extraction_schema"]["name"], row["extraction_schema"]["schema"]) == (
        "extraction", TICKET,
    )  # fmt: skip
    await api.refused(400, "POST", f"{path}/schema", json={"schema": {}})
    assert (await api.data("DELETE", f"{path}/schema"))["extraction_schema"] is None


async def test_a_webhook_may_be_posted(api: Api, path: str) -> None:
    row = await api.data("POST", f"{path}/webhook", json={"endpoint": "https://hooks.example/in"})
    assert row["webhook"]["endpoint"] == "https://hooks.example/in"
    assert row["webhook"]["secret"].startswith("whsec_")

"""Thread lists, conversations and triage at the wire."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.server.http.conftest import Api


async def test_a_row_says_everything_a_list_shows(api: Api) -> None:
    inbox = await api.inbox()
    message = await api.arrive(inbox, subject="Where is it?", text="My order is late.")
    (row,) = await api.data("GET", f"/v1/threads?inbox_id={inbox['id']}")
    assert row == {
        "id": message.thread_id,
        "thread_id": message.thread_id,
        "subject": "Where is it?",
        "last_message_at": "2026-01-15T09:00:01.000Z",
        "lastActivityAt": "2026-01-15T09:00:01.000Z",
        "first_message_at": "2026-01-15T09:00:01.000Z",
        "message_count": 1,
        "snippet": "My order is late.",
        "last_direction": "inbound",
        "inbox_id": inbox["id"],
        "domain_id": inbox["domain_id"],
        "has_attachments": False,
        "tags": [],
        "status": "open",
        "assigned_to": None,
        "unread": True,
        "snoozed_until": None,
        "party": {"name": "Ann Example", "address": "ann@customer.example"},
        "delivery_status": None,
        "updated_at": "2026-01-15T09:00:01.000Z",
    }
    assert await api.data("GET", f"/v1/threads/{message.thread_id}") == row
    assert await api.data("GET", f"/v1/threads?domain_id={inbox['domain_id']}") == [row]
    assert await api.data("GET", "/v1/threads?all=true") == [row]


async def test_a_list_without_a_place_is_400(api: Api) -> None:
    body = await api.refused(400, "GET", "/v1/threads")
    assert "inbox_id or domain_id is required" in body["error"]
    await api.refused(400, "GET", "/v1/threads?all=false")
    await api.refused(400, "GET", "/v1/threads?inbox_id=")
    await api.refused(400, "GET", "/v1/threads/counts")


@pytest.mark.parametrize(
    ("limit", "rows"),
    [("2", 2), ("0", 1), ("-5", 1), ("junk", 20), ("", 20), ("1000", 23), ("9" * 5000, 20)],
)
async def test_limits_are_clamped_and_junk_is_the_default(api: Api, limit: str, rows: int) -> None:
    inbox = await api.inbox()
    for number in range(23):
        await api.arrive(inbox, subject=f"Matter number {number}")
    listed = await api.data("GET", "/v1/threads", params={"all": "true", "limit": limit})
    assert len(listed) == rows


@pytest.mark.parametrize("order", ["desc", "asc"])
async def test_the_walk_by_cursor_meets_every_thread_once_while_mail_comes_in(
    api: Api, order: str
) -> None:
    inbox = await api.inbox()
    first = {(await api.arrive(inbox, subject=f"Matter {n}")).thread_id for n in range(25)}
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while True:
        params = {"inbox_id": inbox["id"], "limit": "4", "order": order}
        if cursor:
            params["cursor"] = cursor
        response = await api.call("GET", "/v1/threads", params=params)
        page = response.json()
        assert "next_cursor" not in page["data"]
        seen += [row["id"] for row in page["data"]]
        pages += 1
        if pages <= 5:
            await api.arrive(inbox, subject=f"Late matter {pages}")
        cursor = page["next_cursor"]
        assert page["has_more"] is (cursor is not None)
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert first <= set(seen)


async def test_a_cursor_is_good_for_its_own_list_alone(api: Api) -> None:
    inbox = await api.inbox()
    for number in range(3):
        await api.arrive(inbox, subject=f"Matter {number}")
    path = f"/v1/threads?inbox_id={inbox['id']}&limit=1"
    cursor = (await api.call("GET", path)).json()["next_cursor"]
    assert (await api.call("GET", f"{path}&cursor={cursor}")).status_code == 200
    # The size of a page may change on the way.
    assert (await api.call("GET", f"{path}&limit=2&cursor={cursor}")).status_code == 200
    for other in (
        f"/v1/threads?all=true&cursor={cursor}",
        f"{path}&status=open&cursor={cursor}",
        f"{path}&order=asc&cursor={cursor}",
        f"/v1/messages?inbox_id={inbox['id']}&cursor={cursor}",
    ):
        body = await api.refused(400, "GET", other)
        assert "cursor" in body["error"]


async def test_a_tampered_cursor_is_400(api: Api) -> None:
    inbox = await api.inbox()
    for number in range(3):
        await api.arrive(inbox, subject=f"Matter {number}")
    path = f"/v1/threads?inbox_id={inbox['id']}&limit=1"
    cursor = (await api.call("GET", path)).json()["next_cursor"]
    sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        text = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        await api.refused(400, "GET", f"{path}&cursor={text}")
    for junk in ("x", "null", "é", "-" * 1999, "a b", "%00", cursor[:-2], cursor * 2):
        await api.refused(400, "GET", f"{path}&cursor={junk}")


async def test_offset_and_total_read_the_list_from_any_row(api: Api) -> None:
    inbox = await api.inbox()
    threads = [(await api.arrive(inbox, subject=f"Matter {n}")).thread_id for n in range(5)]
    response = await api.call(
        "GET", f"/v1/threads?inbox_id={inbox['id']}&offset=3&limit=1&with_total=true"
    )
    page = response.json()
    assert [row["id"] for row in page["data"]] == [threads[1]]
    assert page["total"] == 5
    assert page["has_more"] is True
    assert "total" not in (await api.call("GET", "/v1/threads?all=true")).json()
    beyond = (await api.call("GET", "/v1/threads?all=true&offset=99&with_total=true")).json()
    assert beyond == {"data": [], "next_cursor": None, "has_more": False, "total": 5}
    await api.refused(400, "GET", "/v1/threads?all=true&offset=-1")
    await api.refused(400, "GET", f"/v1/threads?all=true&offset={10**30}")
    await api.refused(400, "GET", "/v1/threads?all=true&offset=0&cursor=x")


class TestFilters:
    @pytest.fixture
    async def threads(self, api: Api) -> dict[str, str]:
        inbox = await api.inbox()
        made = {
            name: (
                await api.arrive(inbox, subject=f"About {name}", sender=f"{name}@c.example")
            ).thread_id
            for name in ("plain", "tagged", "closed", "owned", "read")
        }
        await api.data("POST", f"/v1/threads/{made['tagged']}/tags", json={"tags": ["vip"]})
        await api.data("PUT", f"/v1/threads/{made['closed']}/status", json={"status": "closed"})
        await api.data("PUT", f"/v1/threads/{made['owned']}/assign", json={"assigned_to": "bo"})
        await api.data("PUT", f"/v1/threads/{made['read']}/read", json={"unread": False})
        return made

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("tag=vip", {"tagged"}),
            ("tag=other", set()),
            ("status=closed", {"closed"}),
            ("status=open", {"plain", "tagged", "owned", "read"}),
            ("assigned_to=bo", {"owned"}),
            ("assignedTo=bo", {"owned"}),
            ("assigned_to=none", {"plain", "tagged", "closed", "read"}),
            ("unread=false", {"read"}),
            ("unread=true", {"plain", "tagged", "closed", "owned"}),
            ("direction=inbound", {"plain", "tagged", "closed", "owned", "read"}),
            ("direction=outbound", set()),
            ("words=PLAIN", {"plain"}),
            ("words=about owned@c", {"owned"}),
            ("words=%25", set()),
            ("words=_", set()),
            ("unread=true&status=open&tag=vip", {"tagged"}),
        ],
    )
    async def test_each_filter_leaves_what_it_names(
        self, api: Api, threads: dict[str, str], query: str, names: set[str]
    ) -> None:
        page = (await api.call("GET", f"/v1/threads?all=true&with_total=true&{query}")).json()
        assert {row["id"] for row in page["data"]} == {threads[name] for name in names}
        assert page["total"] == len(names)

    @pytest.mark.parametrize("query", ["status=done", "unread=maybe", "direction=up", "order=up"])
    async def test_an_unknown_word_is_400(self, api: Api, query: str) -> None:
        body = await api.refused(400, "GET", f"/v1/threads?all=true&{query}")
        assert body["details"][0]["path"] == query.partition("=")[0]

    async def test_counts_add_up(self, api: Api, threads: dict[str, str]) -> None:
        row = await api.data("GET", f"/v1/threads/{threads['plain']}")
        expected = {
            "total": 5, "unread": 4, "open": 4, "needs_reply": 0, "waiting": 0, "closed": 1,
            "snoozed": 0,
        }  # fmt: skip
        assert await api.data("GET", "/v1/threads/counts?all=true") == expected
        assert await api.data("GET", f"/v1/threads/counts?inbox_id={row['inbox_id']}") == expected
        owned = await api.data("GET", "/v1/threads/counts?all=true&assigned_to=bo")
        assert owned == expected | {"assigned": 1}

    async def test_the_count_of_an_owner_is_the_length_of_the_list(
        self, api: Api, threads: dict[str, str]
    ) -> None:
        tagged, owned = (f"/v1/threads/{threads[name]}" for name in ("tagged", "owned"))
        tomorrow = "2026-01-16T08:00:00.000Z"
        for path, body, number in (
            (f"{tagged}/assign", {"assigned_to": "bo"}, 2),
            (f"{owned}/status", {"status": "closed"}, 2),
            (f"{owned}/snooze", {"until": tomorrow}, 1),
            (f"{tagged}/assign", {"assigned_to": "cy"}, 0),
            (f"{owned}/snooze", {"until": None}, 1),
            (f"{owned}/assign", {"assigned_to": None}, 0),
        ):
            await api.data("PUT", path, json=body)
            counts = await api.data("GET", "/v1/threads/counts?all=true&assignedTo=bo")
            rows = await api.data("GET", "/v1/threads?all=true&assigned_to=bo&snoozed=false")
            assert (counts["assigned"], len(rows)) == (number, number), path

    async def test_an_owner_with_an_endless_name_is_400(self, api: Api) -> None:
        await api.refused(400, "GET", f"/v1/threads/counts?all=true&assigned_to={'x' * 201}")


class TestTriage:
    @pytest.fixture
    async def thread(self, api: Api) -> str:
        return (await api.arrive(await api.inbox())).thread_id

    async def test_metadata_of_a_fresh_thread(self, api: Api, thread: str) -> None:
        assert await api.data("GET", f"/v1/threads/{thread}/metadata") == {
            "thread_id": thread,
            "tags": [],
            "status": "open",
            "assigned_to": None,
            "snoozed_until": None,
            "updated_at": "2026-01-15T09:00:01.000Z",
        }

    @pytest.mark.parametrize("status", ["open", "needs_reply", "waiting", "closed"])
    async def test_status(self, api: Api, thread: str, status: str) -> None:
        path = f"/v1/threads/{thread}"
        got = await api.data("PUT", f"{path}/status", json={"status": status})
        assert got["status"] == status
        assert await api.data("GET", f"{path}/metadata") == got

    @pytest.mark.parametrize(
        "body", [{}, {"status": None}, {"status": "OPEN"}, {"status": ["open"]}]
    )
    async def test_another_status_is_400(self, api: Api, thread: str, body: object) -> None:
        await api.refused(400, "PUT", f"/v1/threads/{thread}/status", json=body)

    async def test_tags_are_a_set(self, api: Api, thread: str) -> None:
        path = f"/v1/threads/{thread}/tags"
        await api.data("POST", path, json={"tags": ["vip", "urgent"]})
        got = await api.data("POST", path, json={"tags": [" vip ", "späť ☎"]})
        assert got["tags"] == ["späť ☎", "urgent", "vip"]
        got = await api.data("DELETE", path, json={"tags": ["urgent", "never there"]})
        assert got["tags"] == ["späť ☎", "vip"]
        got = await api.data("POST", f"{path}/remove", json={"tags": ["späť ☎"]})
        assert got["tags"] == ["vip"]
        assert await api.data("GET", f"/v1/threads/{thread}/metadata") == got

    @pytest.mark.parametrize(
        "body",
        [{}, {"tags": []}, {"tags": "vip"}, {"tags": [""]}, {"tags": ["  "]}, {"tags": [7]},
         {"tags": [None]}, {"tags": ["a\nb"]}, {"tags": ["\u202eevil"]}, {"tags": ["x" * 101]},
         {"tags": [f"t{n}" for n in range(51)]}],
    )  # fmt: skip
    async def test_bad_tags_are_400_and_change_nothing(
        self, api: Api, thread: str, body: object
    ) -> None:
        for method, path in (("POST", "tags"), ("DELETE", "tags"), ("POST", "tags/remove")):
            await api.refused(400, method, f"/v1/threads/{thread}/{path}", json=body)
        assert (await api.data("GET", f"/v1/threads/{thread}/metadata"))["tags"] == []

    async def test_assign_and_give_back(self, api: Api, thread: str) -> None:
        path = f"/v1/threads/{thread}/assign"
        assert (await api.data("PUT", path, json={"assigned_to": "bo"}))["assigned_to"] == "bo"
        assert (await api.data("PUT", path, json={"assignedTo": "cy"}))["assigned_to"] == "cy"
        assert (await api.data("PUT", path, json={"assigned_to": None}))["assigned_to"] is None
        body = await api.refused(400, "PUT", path, json={})
        assert body["details"][0]["path"] == "assigned_to"
        await api.refused(400, "PUT", path, json={"assigned_to": 7})

    async def test_read_and_unread(self, api: Api, thread: str) -> None:
        path = f"/v1/threads/{thread}/read"
        assert (await api.data("PUT", path, json={"unread": False}))["unread"] is False
        assert (await api.data("PUT", path, json={"unread": True}))["unread"] is True
        assert (await api.data("PUT", path))["unread"] is False

    async def test_patch_sets_both_at_once(self, api: Api, thread: str) -> None:
        path = f"/v1/threads/{thread}"
        row = await api.data("PATCH", path, json={"status": "waiting", "assignedTo": "bo"})
        assert (row["status"], row["assigned_to"]) == ("waiting", "bo")
        row = await api.data("PATCH", path, json={"assigned_to": None})
        assert (row["status"], row["assigned_to"]) == ("waiting", None)
        await api.refused(400, "PATCH", path, json={})

    async def test_updated_at_moves_with_a_change(self, api: Api, thread: str) -> None:
        from datetime import timedelta

        api.clock.advance(timedelta(hours=1))
        got = await api.data("PUT", f"/v1/threads/{thread}/status", json={"status": "closed"})
        assert got["updated_at"] == "2026-01-15T10:00:01.000Z"


async def test_a_conversation_reads_in_both_orders(api: Api) -> None:
    inbox = await api.inbox()
    first = await api.arrive(inbox, text="One")
    for text in ("Two", "Three"):
        await api.arrive(inbox, text=text, In_Reply_To=f"<{first.rfc_message_id}>")
    path = f"/v1/threads/{first.thread_id}/messages"
    texts = [each["content"].strip() for each in await api.data("GET", path)]
    assert texts == ["One", "Two", "Three"]
    texts = [
        each["content"].strip() for each in await api.data("GET", f"{path}?order=desc&limit=2")
    ]
    assert texts == ["Three", "Two"]


async def test_search_finds_threads_once_with_a_score(api: Api) -> None:
    inbox = await api.inbox()
    first = await api.arrive(inbox, subject="Refund", text="I want a refund for the blue kettle.")
    await api.arrive(inbox, text="The kettle again", In_Reply_To=f"<{first.rfc_message_id}>")
    await api.arrive(inbox, subject="Weather", text="It rains.")
    response = await api.call("GET", f"/v1/search/threads?q=kettle&inbox_id={inbox['id']}")
    body: Any = response.json()
    assert body["search_type"] == "regex"
    (hit,) = body["data"]
    row = await api.data("GET", f"/v1/threads/{first.thread_id}")
    assert {**row, "snippet": hit["snippet"]}.items() <= hit.items()
    assert 0 < hit["score"] <= 1
    assert hit["last_activity"] == row["last_message_at"]
    assert hit["channel"] == "email"
    assert hit["participants"][0]["identity"] == "ann@customer.example"


@pytest.mark.parametrize(
    "query", ["", "q=", "q=%20%20", "q=x", "q=x&inbox_id=", f"q={'x' * 1001}&all=true"]
)
async def test_a_search_without_words_or_place_is_400(api: Api, query: str) -> None:
    await api.refused(400, "GET", f"/v1/search/threads?{query}")


async def test_an_exact_search_takes_no_other_form_of_a_word(api: Api) -> None:
    inbox = await api.inbox()
    await api.arrive(inbox, subject="One", text="Two kettles came.")
    await api.arrive(inbox, subject="Two", text="The kettle came.")
    path = "/v1/search/threads?all=true&exact=true&q="
    body: Any = (await api.call("GET", f"{path}kettles came")).json()
    assert [row["subject"] for row in body["data"]] == ["One"]
    assert (body["search_type"], body["fallback"]) == ("regex", None)
    assert (body["index_backlog"], body["index_lag_seconds"]) == (0, 0.0)


async def test_more_like_a_thread_without_an_index_goes_by_its_rare_words(api: Api) -> None:
    inbox, second = await api.inbox(), await api.inbox("second")
    first = await api.arrive(inbox, subject="Kettle", text="The kettle leaks on the table.")
    await api.arrive(inbox, subject="Again", text="Such a kettle, it leaks.")
    await api.arrive(inbox, subject="Weather", text="It rains on the roof.")
    await api.arrive(second, subject="Elsewhere", text="A kettle that leaks.")
    place = f"/v1/search/threads?like={first.thread_id}&inbox_id={inbox['id']}"
    assert [row["subject"] for row in await api.data("GET", place)] == ["Again"]
    missing = f"/v1/search/threads?like=conv_{'0' * 20}&all=true"
    await api.refused(404, "GET", missing)


@pytest.mark.parametrize(
    "words",
    ['"', "'", "a OR", "NEAR(", "*", "a*b", "subject:x", "%", "_", "\\", "(", ")", "-", "^", "AND",
     "x" * 1000, "ą" * 500, "😀", "\u202e", "a\tb", "; DROP TABLE messages", "{a b}", "+"],
)  # fmt: skip
async def test_no_search_text_is_syntax(api: Api, words: str) -> None:
    await api.arrive(await api.inbox())
    response = await api.call("GET", "/v1/search/threads", params={"q": words, "all": "true"})
    assert response.status_code == 200

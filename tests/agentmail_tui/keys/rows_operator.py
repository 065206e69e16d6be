"""Keys of an operator: domains, API keys, the organisation, servers, schemas, suppressions."""

from typing import Any

from agentmail_tui.config import load_config
from tests.agentmail_tui.keys.desk import Desk
from tests.agentmail_tui.keys.probes import picked, screen
from tests.agentmail_tui.keys.row import Row, more, other

SCHEMA = {"type": "object", "properties": {"order_id": {"type": "string"}}}
MINE = "zz.example"
# On the list that is the first of the records of the second domain.
RECORD = "~DMARC j j j j j j"
PROFILES = (
    '[profiles.one]\nurl = "http://127.0.0.1:9"\n\n[profiles.two]\nurl = "http://127.0.0.1:9"\n'
)


async def _part(desk: Desk) -> str:
    return str(desk.app.screen.part)  # type: ignore[attr-defined]


async def _kind(desk: Desk) -> str:
    return desk.state.delivery.kind


async def _suppressed(desk: Desk) -> list[str]:
    rows = await desk.home.get("/delivery/suppressions", all=True)
    return [row["email"] for row in rows]


async def _domains(desk: Desk) -> list[str]:
    return [row["name"] for row in await desk.home.get("/domains") if not row["shared"]]


async def _looked_up(desk: Desk) -> list[str | None]:
    return [row["checked_at"] for row in await desk.home.get("/domains") if not row["shared"]]


async def _keys(desk: Desk) -> dict[str, str]:
    """See the keys at work: what each begins with, by its name."""
    rows = await desk.home.get("/agent/api-keys")
    return {row["name"]: row["keyPrefix"] for row in rows if row["status"] == "active"}


async def _org(desk: Desk) -> str:
    return str((await desk.home.get("/agent/org"))["name"])


async def _schema(desk: Desk) -> str | None:
    found = (await desk.home.get(f"/inboxes/{desk.home.inbox_id}"))["extraction_schema"]
    return str(found["name"]) if found else None


async def _copied(desk: Desk) -> str:
    return desk.app.clipboard


async def _servers(desk: Desk) -> list[str]:
    return sorted(load_config(desk.app.context.config_file).profiles)


async def _next(desk: Desk) -> str | None:
    return desk.app.next_profile


async def _domain(desk: Desk) -> None:
    """Bring a domain, once."""
    if not await _domains(desk):
        await desk.home.post("/domains", name=f"{desk.home.inbox_id[2:8].lower()}.{MINE}")


async def _second_key(desk: Desk) -> None:
    """Make a key that stands before the one in use, once."""
    if "second" not in await _keys(desk):
        await desk.home.post("/agent/api-keys", name="second", permissions=["read"])


async def _suppress(desk: Desk) -> None:
    await desk.home.post("/delivery/suppressions", email="gone@far.example", all=True)


async def _extract(desk: Desk) -> None:
    path = f"/domains/{await _domain_of(desk)}/inboxes/{desk.home.inbox_id}/extraction-schema"
    answer = await desk.home.http.put(f"/v1{path}", json={"name": "held", "schema": SCHEMA})
    assert answer.is_success, answer.text


async def _forget(desk: Desk) -> None:
    path = f"/domains/{await _domain_of(desk)}/inboxes/{desk.home.inbox_id}/extraction-schema"
    assert (await desk.home.http.delete(f"/v1{path}")).is_success


async def _domain_of(desk: Desk) -> str:
    return str((await desk.home.get(f"/inboxes/{desk.home.inbox_id}"))["domain_id"])


async def _two_servers(desk: Desk) -> None:
    desk.app.context.config_file.parent.mkdir(parents=True, exist_ok=True)
    desk.app.context.config_file.write_text(PROFILES)


def _reads(text: str) -> Any:
    return lambda _: lambda found: found.startswith(text)


def _turned(first: dict[str, str]) -> Any:
    """Want the second key to begin with something else, and the first with the same."""
    return lambda found: found["test"] == first["test"] and found["second"] != first["second"]


def _fewer(first: Any) -> Any:
    return lambda found: len(found) < len(first)


def _without(name: str) -> Any:
    return lambda first: lambda found: set(found) == set(first) - {name}


def _with(name: str) -> Any:
    return lambda first: lambda found: set(found) == {*first, name}


ROWS = (
    Row("go.domains", screen, "DomainsScreen"),
    Row("go.api_keys", screen, "ApiKeysScreen"),
    Row("go.org", screen, "OrgScreen"),
    Row("go.servers", screen, "ServersScreen"),
    Row("triage.suppress", _suppressed, more, after="~Write_no_more y"),
    Row("delivery.filter", _kind, "queued", after='~delayed "queued enter'),
    Row("delivery.suppress", _suppressed, more, before="tab",
        after='~Write_no_more "bad@far.example enter'),
    Row("delivery.allow", _suppressed, _fewer, prepare=_suppress,
        before="tab ~gone@far.example", after="~again? y"),
    Row("delivery.verify", _looked_up, other, prepare=_domain, alone=True,
        before=f"shift+tab {RECORD}"),
    Row("delivery.copy", _copied, _reads("v=spf1"), prepare=_domain,
        before=f"shift+tab {RECORD} j"),
    Row("delivery.copy_name", _copied, _reads("_dmarc."), prepare=_domain,
        before=f"shift+tab {RECORD} j j j"),
    Row("delivery.part_back", _part, "domains"),
    Row("domains.down", picked, other, before="~MX"),
    Row("domains.up", picked, other, before="~MX j"),
    Row("domains.out", screen, "MailScreen"),
    Row("domains.verify", _looked_up, other, prepare=_domain, before=RECORD),
    Row("domains.copy", _copied, _reads("v=DKIM1"), prepare=_domain, before=f"{RECORD} j j"),
    Row("domains.copy_name", _copied, _reads("agentmail._domainkey."), prepare=_domain,
        before=f"{RECORD} j j"),
    Row("domains.new", _domains, _with("mail.mycompany.example"),
        after='~New_domain "mail.mycompany.example enter'),
    Row("domains.delete", _domains, _fewer, prepare=_domain, before=RECORD, after="~Delete y"),
    Row("api_keys.down", picked, other, prepare=_second_key, before="~second"),
    Row("api_keys.up", picked, other, prepare=_second_key, before="~second j"),
    Row("api_keys.out", screen, "MailScreen"),
    Row("api_keys.new", _keys, _with("zeta"),
        after='~New_key "zeta enter ~What_the_key tab enter ~When_the_key enter ~Shown_only_once'),
    Row("api_keys.rotate", _keys, _turned, prepare=_second_key,
        before="~second", after="~secret_for_second? y ~Shown_only_once"),
    Row("api_keys.revoke", _keys, _without("second"), prepare=_second_key,
        before="~second", after="~Revoke_second? y"),
    Row("api_keys.copy", _copied, other, before="~never"),
    Row("secret.copy", _copied, _reads("comm_")),
    Row("secret.out", screen, "ApiKeysScreen", before="y"),
    Row("org.rename", _org, "Acme", before="~short_name", after='~Name ctrl+u "Acme enter'),
    Row("org.copy", _copied, other, before="~short_name"),
    Row("org.out", screen, "MailScreen"),
    Row("servers.down", picked, other, prepare=_two_servers, before="~http:"),
    Row("servers.up", picked, other, prepare=_two_servers, before="~http: j"),
    Row("servers.out", screen, "MailScreen"),
    Row("servers.open", _next, "two", prepare=_two_servers, before="~http: j", alone=True),
    Row("servers.new", _servers, ["one", "three", "two"], prepare=_two_servers, before="~http:",
        after='~New_server "three enter ~URL_of "https://x.example enter ~API_key "k3y enter'),
    Row("servers.remove", _servers, ["one"], prepare=_two_servers, before="~http: j",
        after="~Delete_two y"),
    Row("schema.save", _schema, "facts", prepare=_forget, before="~example"),
    Row("schema.remove", _schema, None, prepare=_extract, before="~string",
        after="~Extract_nothing y", alone=True),
    Row("schema.out", screen, "InboxesScreen"),
    Row("inboxes.schema", screen, "SchemaScreen"),
)  # fmt: skip

"""Administration over Commune's API."""

from __future__ import annotations

import json
from typing import Any

from agentmail_tui.backends.commune import wire_admin
from agentmail_tui.backends.http import Http
from agentmail_tui.backends.urls import path_of
from agentmail_tui.domain import Inbox
from agentmail_tui.domain_admin import ApiKey, Extraction, FreshKey, MailDomain, NewKey, Org

_KEYS = "/v1/agent/api-keys"
_ORG = "/v1/agent/org"
_SUPPRESSED = "/v1/delivery/suppressions"


class CommuneAdministration:
    """What one key may administer on a Commune server."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def domains(self) -> tuple[MailDomain, ...]:
        """Return the domains of the organisation, and the shared one."""
        return wire_admin.domains(await self._http.call("GET", "/v1/domains"))

    async def create_domain(self, name: str) -> MailDomain:
        """Bring a domain."""
        reply = await self._http.call("POST", "/v1/domains", body={"name": name})
        return wire_admin.one_domain(reply)

    async def verify_domain(self, domain_id: str) -> MailDomain:
        """Have the records looked up; the domain is read after that, as replies differ."""
        path = path_of("v1", "domains", domain_id)
        await self._http.call("POST", f"{path}/verify")
        return wire_admin.one_domain(await self._http.call("GET", path))

    async def delete_domain(self, domain_id: str) -> None:
        """Give a domain up."""
        await self._http.call("DELETE", path_of("v1", "domains", domain_id))

    async def keys(self) -> tuple[ApiKey, ...]:
        """Return every key of the organisation."""
        return wire_admin.keys(await self._http.call("GET", _KEYS))

    async def create_key(self, wanted: NewKey) -> FreshKey:
        """Make a key."""
        body: dict[str, Any] = {"name": wanted.name, "permissions": list(wanted.scopes)}
        if wanted.expires_in is not None:
            body["expires_in"] = wanted.expires_in
        return wire_admin.fresh_key(await self._http.call("POST", _KEYS, body=body))

    async def rotate_key(self, key_id: str) -> FreshKey:
        """Give a key a new secret."""
        path = path_of("v1", "agent", "api-keys", key_id, "rotate")
        return wire_admin.fresh_key(await self._http.call("POST", path))

    async def revoke_key(self, key_id: str) -> None:
        """Have a key open nothing any more."""
        await self._http.call("DELETE", path_of("v1", "agent", "api-keys", key_id))

    async def org(self) -> Org:
        """Return the organisation."""
        return wire_admin.org(await self._http.call("GET", _ORG))

    async def rename_org(self, name: str) -> Org:
        """Give the organisation another name."""
        return wire_admin.org(await self._http.call("PATCH", _ORG, body={"name": name}))

    async def extraction(self, inbox: Inbox) -> Extraction | None:
        """Return what an inbox reads out of its mail."""
        return wire_admin.extraction(await self._http.call("GET", _path(inbox)))

    async def set_extraction(self, inbox: Inbox, wanted: Extraction) -> None:
        """Set what an inbox reads out."""
        body: dict[str, Any] = {
            "name": wanted.name,
            "schema": json.loads(wanted.schema),
            "enabled": wanted.enabled,
        }
        if wanted.description:
            body["description"] = wanted.description
        await self._http.call("PUT", f"{_path(inbox)}/extraction-schema", body=body)

    async def remove_extraction(self, inbox: Inbox) -> None:
        """Have an inbox read nothing out any more."""
        await self._http.call("DELETE", f"{_path(inbox)}/extraction-schema")

    async def suppress(self, address: str, inbox_id: str | None) -> None:
        """Have an inbox, or every one, write to an address no more."""
        scope: dict[str, Any] = {"all": True} if inbox_id is None else {"inbox_id": inbox_id}
        await self._http.call("POST", _SUPPRESSED, body={"email": address, **scope})

    async def allow(self, suppression_id: str) -> None:
        """Take one row off the list."""
        path = path_of("v1", "delivery", "suppressions", suppression_id)
        await self._http.call("DELETE", path)


def _path(inbox: Inbox) -> str:
    return path_of("v1", "domains", inbox.domain_id, "inboxes", inbox.id)

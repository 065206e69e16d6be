"""Attachments: uploading, facts, links that expire, bytes."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from agentmail_server.errors import BadRequest, Forbidden, Gone
from agentmail_server.http.deps import Deps
from agentmail_server.http.inert import INERT, disposition, safe_type
from agentmail_server.http.route import AnyCall, Call, PlainCall, Reply, data
from agentmail_server.http.rows.mail import attachment_out
from agentmail_server.ids import to_micros
from agentmail_server.service.keys import Principal
from agentmail_server.service.uploads import LinkSigner, keep_upload
from agentmail_server.store import attachments
from agentmail_server.wire.attachments import LinkOut, LinkQuery, UploadIn
from agentmail_server.wire.common import NoBody, NoQuery

_SECOND = 1_000_000
_READ = frozenset({"attachments:read"})


async def upload(call: Call[NoQuery, UploadIn]) -> Reply:
    """Keep a file that a message will carry."""
    deps = call.deps
    if call.file is None:
        raise BadRequest("content must be base64")
    row = await keep_upload(deps.store, deps.ids, call.now(), call.org_id, call.body, call.file)
    return data(attachment_out(row))


async def facts(call: PlainCall) -> Reply:
    """Return an attachment without its bytes."""
    row = await call.deps.store.read(
        attachments.get_attachment, call.org_id, call.ids["attachment"]
    )
    return data(attachment_out(row))


async def link(call: Call[LinkQuery, NoBody]) -> Reply:
    """Return a link to the bytes that works without a key until it expires."""
    row = await call.deps.store.read(
        attachments.get_attachment, call.org_id, call.ids["attachment"]
    )
    seconds = call.query.expires_in
    expires = call.now() // _SECOND + seconds
    signature = LinkSigner(call.deps.pepper).sign(row.org_id, row.id, expires)
    asked = urlencode({"exp": expires, "sig": signature})
    out: LinkOut = {
        "url": f"{_base(call)}/v1/attachments/{row.id}/content?{asked}",
        "expires_in": seconds,
        "expiresIn": seconds,
        "filename": row.filename,
        "mime_type": row.mime_type,
        "mimeType": row.mime_type,
        "size": row.size,
    }
    return data(out)


async def content(call: PlainCall) -> Response:
    """Return the bytes of an attachment, always as a download."""
    store, wanted = call.deps.store, call.ids["attachment"]
    row = await store.read(attachments.get_attachment, call.org_id, wanted)
    held = await store.read(attachments.attachment_content, call.org_id, wanted)
    headers = {**INERT, "Content-Disposition": disposition(row.filename)}
    return Response(held, headers=headers, media_type=safe_type(row.mime_type))


async def linked(deps: Deps, request: Request) -> Principal | None:
    """Return who signed a link; raises Forbidden for a bad signature, Gone for an old one."""
    asked = request.query_params
    if "sig" not in asked and "exp" not in asked:
        return None
    wanted, expires = request.path_params["attachment"], asked.get("exp", "")
    org_id = await deps.store.read(attachments.holder_of, wanted)
    signer = LinkSigner(deps.pepper)
    if not signer.is_good(org_id or "", wanted, expires, asked.get("sig", "")) or org_id is None:
        raise Forbidden("The signature of this link is not good", code="invalid_signature")
    if int(expires) * _SECOND <= to_micros(deps.clock.now()):
        raise Gone("This link has expired: ask for a new one", code="link_expired")
    return Principal(org_id, "", _READ)


def _base(call: AnyCall) -> str:
    return (call.deps.settings.public_url or str(call.request.base_url)).rstrip("/")

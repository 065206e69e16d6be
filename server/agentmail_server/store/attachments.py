"""Attachments, their bytes kept once for each content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, insert, select

from agentmail_server.errors import NotFound
from agentmail_server.ids import Ids
from agentmail_server.store.records import AttachmentRow
from agentmail_server.store.tables import attachments, blobs
from agentmail_server.store.transaction import keep


def upload_attachment(
    conn: Connection,
    ids: Ids,
    now: int,
    org_id: str,
    *,
    filename: str,
    mime_type: str,
    content: bytes,
) -> AttachmentRow:
    """Keep a file that a later message will carry."""
    row = AttachmentRow(
        id=ids.make("att"),
        org_id=org_id,
        message_id=None,
        position=0,
        filename=filename,
        mime_type=mime_type,
        size=len(content),
        sha256=keep_blobs(conn, [content])[0],
        content_id=None,
        inline=False,
        created_at=now,
    )
    conn.execute(insert(attachments).values(asdict(row)))
    return row


def get_attachment(conn: Connection, org_id: str, attachment_id: str) -> AttachmentRow:
    """Return an attachment, or raise `NotFound`."""
    return attachments_by_id(conn, org_id, [attachment_id])[0]


def holder_of(conn: Connection, attachment_id: str) -> str | None:
    """Return the organisation of an attachment, None where there is none.

    For signed links alone: the caller has proven nothing yet.
    """
    query = select(attachments.c.org_id).where(attachments.c.id == attachment_id)
    return conn.execute(query).scalar()


def attachments_by_id(
    conn: Connection, org_id: str, attachment_ids: Sequence[str]
) -> list[AttachmentRow]:
    """Return attachments in the order asked for; raises `NotFound` if any is missing."""
    query = select(attachments).where(
        attachments.c.org_id == org_id, attachments.c.id.in_(list(attachment_ids))
    )
    held = {row["id"]: AttachmentRow(**row) for row in conn.execute(query).mappings()}
    for attachment_id in attachment_ids:
        if attachment_id not in held:
            raise NotFound(f"attachment {attachment_id} not found")
    return [held[attachment_id] for attachment_id in attachment_ids]


def attachment_content(conn: Connection, org_id: str, attachment_id: str) -> bytes:
    """Return an attachment's bytes, or raise `NotFound`."""
    query = (
        select(blobs.c.content)
        .join_from(attachments, blobs, attachments.c.sha256 == blobs.c.sha256)
        .where(attachments.c.id == attachment_id, attachments.c.org_id == org_id)
    )
    content = conn.execute(query).scalar()
    if content is None:
        raise NotFound(f"attachment {attachment_id} not found")
    return bytes(content)


def keep_blobs(conn: Connection, contents: Sequence[bytes]) -> list[str]:
    """Store contents not held yet; return the hash of each, in the order given."""
    if not contents:
        return []
    digests = [hashlib.sha256(content).hexdigest() for content in contents]
    by_digest = dict(zip(digests, contents, strict=True))
    held = set(conn.execute(select(blobs.c.sha256).where(blobs.c.sha256.in_(by_digest))).scalars())
    # Sorted, so that two transactions with the same files cannot wait for each other.
    rows = [
        {"sha256": digest, "size": len(by_digest[digest]), "content": by_digest[digest]}
        for digest in sorted(by_digest.keys() - held)
    ]
    if rows:
        keep(conn, blobs, rows)
    return digests

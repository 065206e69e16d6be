"""Files sent to us, and links to files that prove themselves."""

from __future__ import annotations

import hashlib
import hmac
from typing import BinaryIO

from sqlalchemy import Connection

from agentmail_server.ids import Ids
from agentmail_server.mail.filename import clean_filename, fallback_filename
from agentmail_server.service.keys import Pepper
from agentmail_server.store import attachments
from agentmail_server.store.engine import Store
from agentmail_server.store.records import AttachmentRow
from agentmail_server.wire.attachments import UploadIn

_VERSION = "v1"


async def keep_upload(
    store: Store, ids: Ids, now: int, org_id: str, wanted: UploadIn, file: BinaryIO
) -> AttachmentRow:
    """Keep an uploaded file."""
    filename = clean_filename(wanted.filename) or fallback_filename(1, wanted.mime_type)
    return await store.write(_keep, ids, now, org_id, filename, wanted.mime_type, file)


def _keep(
    conn: Connection,
    ids: Ids,
    now: int,
    org_id: str,
    filename: str,
    mime_type: str,
    file: BinaryIO,
) -> AttachmentRow:
    # A unit may be run again; read here, one file at a time is whole in memory.
    file.seek(0)
    return attachments.upload_attachment(
        conn, ids, now, org_id, filename=filename, mime_type=mime_type, content=file.read()
    )


class LinkSigner:
    """Signs what a link gives away: one file of one organisation, to be downloaded, until then."""

    def __init__(self, pepper: Pepper) -> None:
        self._secret = pepper.derive("attachment-links")

    def sign(self, org_id: str, attachment_id: str, expires: int) -> str:
        """Return the signature of a link that ends at `expires` (seconds since 1970)."""
        text = "\n".join((_VERSION, "GET", org_id, attachment_id, str(expires), "attachment"))
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def is_good(self, org_id: str, attachment_id: str, expires: str, signature: str) -> bool:
        """Tell whether a link was signed by us; `expires` is as it was sent."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
            return False
        # A second spelling of the number would be a second link.
        wanted = self.sign(org_id, attachment_id, int(expires))
        right = hmac.compare_digest(wanted.encode(), signature.encode())
        return right and str(int(expires)) == expires

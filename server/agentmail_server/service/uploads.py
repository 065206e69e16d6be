"""Files sent to us as base64, and links to files that prove themselves."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac

from agentmail_server.errors import BadRequest, TooLarge
from agentmail_server.ids import Ids
from agentmail_server.mail.filename import clean_filename, fallback_filename
from agentmail_server.service.keys import Pepper
from agentmail_server.store import attachments
from agentmail_server.store.engine import Store
from agentmail_server.store.records import AttachmentRow
from agentmail_server.wire.attachments import UploadIn

MAX_UPLOAD = 10 * 1024 * 1024

# Decoding more than this leaves the event loop.
_BIG = 64 * 1024
_VERSION = "v1"


async def keep_upload(
    store: Store, ids: Ids, now: int, org_id: str, wanted: UploadIn
) -> AttachmentRow:
    """Keep an uploaded file; raises BadRequest for bad base64, TooLarge past the cap."""
    if decoded_size(wanted.content) > MAX_UPLOAD:
        raise TooLarge(f"The file is larger than {MAX_UPLOAD} bytes")
    if len(wanted.content) > _BIG:
        content = await asyncio.to_thread(_decoded, wanted.content)
    else:
        content = _decoded(wanted.content)
    filename = clean_filename(wanted.filename) or fallback_filename(1, wanted.mime_type)

    return await store.write(
        lambda conn: attachments.upload_attachment(
            conn, ids, now, org_id,
            filename=filename, mime_type=wanted.mime_type, content=content,
        )
    )  # fmt: skip


def decoded_size(text: str) -> int:
    """Return how many bytes base64 text stands for, without decoding it."""
    return len(text) * 3 // 4 - text[-2:].count("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise BadRequest("content must be base64, without line breaks") from None


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

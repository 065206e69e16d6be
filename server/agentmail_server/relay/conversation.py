"""One SMTP conversation with one server, over aiosmtplib.

aiosmtplib quietly rewrites odd addresses and odd line ends, so both are judged before it sees them.
The body is written here, not by its `data()`: the reply to DATA and the reply to the final dot have
different time limits, and a line that breaks before the last byte is gone differs from one that
breaks after.

From the final dot until the outcome is kept, a mail is in doubt: were the server killed just then,
it would be sent again. So all is made ready first, and few may have that step at a time.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from agentmail_server.relay.outcome import (
    SILENT,
    RecipientResult,
    blocked,
    clean,
    from_reply,
    temporary,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiosmtplib.protocol import SMTPProtocol

    from agentmail_server.relay.outcome import Keep
    from agentmail_server.relay.places import Places
    from agentmail_server.relay.url import RelayAddress

_PIECE = 64 * 1024
# The word of EHLO by which our own listener is known to us.
SELF_MARK = "xagentmail"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for connecting, for each command, and for the reply to the final dot."""

    connect: float = 30
    command: float = 60
    data: float = 600


@dataclass(frozen=True, slots=True)
class Errand:
    """One mail for some recipients, its addresses and line ends already judged."""

    envelope_from: str
    recipients: tuple[str, ...]
    raw: bytes
    # What may be in doubt at one moment, and what ends the doubt.
    doubt: Places
    keep: Keep


@dataclass(frozen=True, slots=True)
class Us:
    """How we call ourselves, and what our own listener says so that we know it."""

    hostname: str
    server_id: str = ""


async def converse(
    server: RelayAddress, errand: Errand, timeouts: Timeouts, *, me: Us, verify: bool
) -> list[RecipientResult]:
    """Connect, hand the mail over, hang up; raises only what `keep` raises."""
    client = _client(server, timeouts, hostname=me.hostname, verify=verify)
    try:
        await client.connect()
    except SMTPAuthenticationError as error:
        # The password is wrong, not the mail: never a bounce.
        text = f"the relay refused our credentials: {error.code} {clean(str(error.message))}"
        return [blocked(each, error.code, text) for each in errand.recipients]
    except (SMTPException, OSError) as error:
        return [temporary(each, _reason(error), SILENT) for each in errand.recipients]
    try:
        if await _is_ourselves(client, me):
            text = "the relay is this server itself: mail would go round for ever"
            return [blocked(each, 0, text) for each in errand.recipients]
        return await _hand_over(client, errand, timeouts)
    finally:
        await _hang_up(client)


async def answers(server: RelayAddress, timeouts: Timeouts, *, me: Us, verify: bool) -> bool:
    """Tell whether a conversation can begin; raises nothing."""
    client = _client(server, timeouts, hostname=me.hostname, verify=verify)
    try:
        await client.connect()
    except SMTPAuthenticationError:
        # That it refuses us is another trouble, and told when a mail is handed over.
        return True
    except (SMTPException, OSError):
        return False
    await _hang_up(client)
    return True


def _client(server: RelayAddress, timeouts: Timeouts, *, hostname: str, verify: bool) -> SMTP:
    return SMTP(
        hostname=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        local_hostname=hostname,
        timeout=timeouts.connect,
        use_tls=server.tls,
        start_tls=False if server.tls else _START_TLS[server.starttls],
        tls_context=_tls(verify=verify) if server.tls or server.starttls != "never" else None,
    )


async def _is_ourselves(client: SMTP, me: Us) -> bool:
    try:
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
    except (SMTPException, OSError):
        # It is asked again, and judged, when the mail is handed over.
        return False
    return bool(me.server_id) and client.esmtp_extensions.get(SELF_MARK) == me.server_id


_START_TLS = {"always": True, "opportunistic": None, "never": False}


@cache
def _tls(*, verify: bool) -> ssl.SSLContext:
    # Kept: reading the system's certificates takes some 50 ms of the event loop.
    context = ssl.create_default_context()
    if not verify:
        # MX hosts seldom hold a certificate for their name; encrypted beats plain all the same.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _hang_up(client: SMTP) -> None:
    try:
        if client.is_connected:
            await client.quit(timeout=2)
    except (SMTPException, OSError):
        pass
    finally:
        client.close()


async def _hand_over(client: SMTP, errand: Errand, timeouts: Timeouts) -> list[RecipientResult]:
    client.timeout = timeouts.command
    try:
        await _say_sender(client, errand)
    except SMTPResponseException as error:
        return [from_reply(each, error.code, error.message) for each in errand.recipients]
    except (SMTPException, OSError) as error:
        return [temporary(each, _reason(error)) for each in errand.recipients]
    taken: list[str] = []
    results: list[RecipientResult] = []
    for position, address in enumerate(errand.recipients):
        try:
            refusal = await _say_recipient(client, address)
        except (SMTPException, OSError) as error:
            rest = (*taken, *errand.recipients[position:])
            return results + [temporary(each, _reason(error)) for each in rest]
        if refusal is None:
            taken.append(address)
        else:
            results.append(refusal)
    if not taken:
        return results
    return results + await _say_data(client, errand, taken, timeouts)


async def _say_sender(client: SMTP, errand: Errand) -> None:
    options = []
    unicode_needed = not all(each.isascii() for each in (errand.envelope_from, *errand.recipients))
    if client.supports_extension("size"):
        options.append(f"SIZE={len(errand.raw)}")
    if client.supports_extension("8bitmime") and not errand.raw.isascii():
        options.append("BODY=8BITMIME")
    if unicode_needed:
        if not client.supports_extension("smtputf8"):
            raise SMTPResponseException(553, "5.6.7 the next server takes ASCII addresses only")
        options.append("SMTPUTF8")
    await client.mail(errand.envelope_from, options=options, encoding="utf-8")


async def _say_recipient(client: SMTP, address: str) -> RecipientResult | None:
    try:
        await client.rcpt(address, encoding="utf-8")
    except SMTPRecipientRefused as error:
        if error.code == 421:
            raise SMTPServerDisconnected("the server closed: 421") from error
        return from_reply(address, error.code, error.message)
    return None


async def _say_data(
    client: SMTP, errand: Errand, taken: Sequence[str], timeouts: Timeouts
) -> list[RecipientResult]:
    protocol = client.protocol
    try:
        start = await client.execute_command(b"DATA", timeout=timeouts.command)
        if start.code != 354 or protocol is None:
            return [from_reply(each, start.code, start.message) for each in taken]
        await _write(protocol, errand.raw)
    except (SMTPException, OSError) as error:
        return [temporary(each, _reason(error)) for each in taken]
    async with errand.doubt.one():
        results = await _say_dot(protocol, taken, timeouts)
        await errand.keep(results)
    return results


async def _say_dot(
    protocol: SMTPProtocol, taken: Sequence[str], timeouts: Timeouts
) -> list[RecipientResult]:
    try:
        protocol.write(b".\r\n")
    except SMTPException as error:
        return [temporary(each, _reason(error)) for each in taken]
    try:
        end = await protocol.read_response(timeout=timeouts.data)
    except (SMTPException, OSError) as error:
        text = f"the connection broke after the mail was handed over: {_reason(error)}"
        return [RecipientResult(each, "unknown", 0, "4.4.2", text) for each in taken]
    return [from_reply(each, end.code, end.message) for each in taken]


async def _write(protocol: SMTPProtocol, raw: bytes) -> None:
    """Write the mail, its dots doubled, without the dot that ends it."""
    stuffed = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]
    for start in range(0, len(stuffed), _PIECE):
        protocol.write(stuffed[start : start + _PIECE])
        # Flow control of the transport; the class documents this as the one way to wait.
        await protocol._drain_helper()  # noqa: SLF001


def _reason(error: Exception) -> str:
    if isinstance(error, SMTPTimeoutError):
        return "the server did not answer in time"
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {clean(error.message)}"
    return clean(str(error)) or type(error).__name__

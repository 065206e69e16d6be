"""Routes of the Agnic API: a part of the route table, with refusals in words of its own."""

from __future__ import annotations

from functools import partial

from agentmail_server.http.route import Route
from agentmail_server.http.routes import agnic
from agentmail_server.wire import agnic as wire

_EMAIL = "/api/agent/email"
_TOKEN = "X-Agnic-Token"  # noqa: S105
_route = partial(Route, refusal=agnic.refusal, error=wire.AgnicError, key_header=_TOKEN)

AGNIC = (
    _route("GET", _EMAIL, "inboxes:read", agnic.get_alias,
           "Agnic: get the organisation's address", wire.AliasOut | wire.NoAlias),
    _route("POST", _EMAIL, "inboxes:write", agnic.create_alias,
           "Agnic: create the organisation's address, once", wire.AliasOut,
           body=wire.AliasIn, errors=(404,)),
    _route("GET", f"{_EMAIL}/inbox", "messages:read", agnic.list_inbox,
           "Agnic: list mail in and out, newest first", wire.AgnicInboxOut,
           query=wire.InboxQuery, errors=(404,)),
    _route("POST", f"{_EMAIL}/send", "messages:write", agnic.send,
           "Agnic: send a mail", wire.AgnicSentOut,
           body=wire.AgnicSendIn, errors=(404, 409), stores=True),
    _route("POST", f"{_EMAIL}/reply", "messages:write", agnic.reply,
           "Agnic: answer a mail and mark it as read", wire.AgnicSentOut,
           body=wire.AgnicReplyIn, errors=(404, 409), stores=True),
)  # fmt: skip

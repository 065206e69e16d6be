"""Routes of organisations, keys and identity: a part of the route table."""

from __future__ import annotations

from agentmail_server.http.route import ANY_KEY, PUBLIC, Route
from agentmail_server.http.routes import account, erasure, identity
from agentmail_server.service.keys import ADMIN, DATA_DELETE
from agentmail_server.wire import account as account_wire
from agentmail_server.wire import erasure as erasure_wire
from agentmail_server.wire import identity as identity_wire

_KEYS = "/v1/agent/api-keys"
_ERASURE = "/v1/data/deletion-request"

ACCOUNT = (
    Route("GET", "/v1/agent/org", ANY_KEY, account.get_org,
          "Get the organisation", account_wire.OrgReply),
    Route("PATCH", "/v1/agent/org", ADMIN, account.change_org,
          "Rename the organisation", account_wire.OrgReply, body=account_wire.OrgChange),
    Route("GET", _KEYS, ADMIN, account.list_keys,
          "List API keys", account_wire.KeysReply),
    Route("POST", _KEYS, ADMIN, account.create_key,
          "Create a key that may do no more than the caller's; its secret is shown once",
          account_wire.FreshKeyReply, body=account_wire.KeyNew, status=201),
    Route("DELETE", f"{_KEYS}/{{key}}", ADMIN, account.revoke,
          "Revoke a key", account_wire.RevokedReply, errors=(404,)),
    Route("POST", f"{_KEYS}/{{key}}/rotate", ADMIN, account.rotate,
          "Give a key a new secret; the old one dies at once", account_wire.FreshKeyReply,
          errors=(404, 409)),
    Route("POST", "/v1/auth/agent-register", PUBLIC, identity.register,
          "Begin an agent's registration with its Ed25519 key",
          identity_wire.RegistrationReply, body=identity_wire.RegisterIn, status=201,
          errors=(403, 409, 429)),
    Route("POST", "/v1/auth/agent-verify", PUBLIC, identity.verify,
          "Finish it with a signature: makes organisation, agent and inbox",
          identity_wire.AgentReply, body=identity_wire.VerifyIn, errors=(401, 409, 429)),
    Route("POST", _ERASURE, DATA_DELETE, erasure.request,
          "Ask to delete data: a preview, and the token that confirms it",
          erasure_wire.ErasureFreshReply, body=erasure_wire.ErasureNew, status=201,
          errors=(404, 409)),
    Route("POST", f"{_ERASURE}/{{request}}/confirm", DATA_DELETE, erasure.confirm_request,
          "Start the deletion", erasure_wire.ErasureReply, body=erasure_wire.ErasureConfirm,
          errors=(404, 410)),
    Route("GET", f"{_ERASURE}/{{request}}", DATA_DELETE, erasure.status,
          "How far the deletion is", erasure_wire.ErasureReply, errors=(404,)),
    Route("GET", "/v1/me", ANY_KEY, account.me,
          "Who calls, by what proof, and what it may do", account_wire.MeReply),
    Route("GET", "/v1/me/limits", ANY_KEY, account.limits,
          "What the caller may do how often", account_wire.LimitsReply),
)  # fmt: skip

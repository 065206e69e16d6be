"""All routes as data: method, path, scope, handler, and what goes in and out.

The scope is a required field, so a route that nobody guards cannot be written by accident. Fixed
paths stand before those with an id in the same place. `python -m agentmail_server.http.table`
prints docs/api.md.
"""

from __future__ import annotations

from agentmail_server.http.accounttable import ACCOUNT
from agentmail_server.http.agnictable import AGNIC
from agentmail_server.http.route import ANY_KEY, PUBLIC, Route
from agentmail_server.http.routes import (
    attachments,
    delivery,
    domains,
    events,
    inboxes,
    messages,
    search,
    sending,
    system,
    threads,
    webhooks,
)
from agentmail_server.wire import attachments as attachments_wire
from agentmail_server.wire import delivery as delivery_wire
from agentmail_server.wire import domains as domains_wire
from agentmail_server.wire import events as events_wire
from agentmail_server.wire import inboxes as inboxes_wire
from agentmail_server.wire import messages as messages_wire
from agentmail_server.wire import search as search_wire
from agentmail_server.wire import threads as threads_wire
from agentmail_server.wire import webhooks as webhooks_wire
from agentmail_server.wire.common import OkReply

_INBOX = "/v1/domains/{domain}/inboxes/{inbox}"
_THREAD = "/v1/threads/{thread}"

DOMAINS = (
    Route("GET", "/v1/domains", "domains:read", domains.list_domains,
          "List domains", domains_wire.DomainsReply),
    Route("POST", "/v1/domains", "domains:write", domains.create,
          "Bring a domain of one's own", domains_wire.DomainReply,
          body=domains_wire.DomainNew, status=201, errors=(409,)),
    Route("GET", "/v1/domains/{domain}", "domains:read", domains.get,
          "Get a domain", domains_wire.DomainReply, errors=(404,)),
    Route("DELETE", "/v1/domains/{domain}", "domains:write", domains.delete,
          "Give a domain up, once it has no inboxes", OkReply, errors=(404, 409)),
    Route("GET", "/v1/domains/{domain}/records", "domains:read", domains.records,
          "Get the DNS records to make", domains_wire.RecordsReply, errors=(404,)),
    Route("POST", "/v1/domains/{domain}/verify", "domains:write", domains.verify,
          "Look the records up in the DNS now", domains_wire.DomainReply, errors=(404,)),
)  # fmt: skip

INBOXES = (
    Route("POST", "/v1/inboxes", "inboxes:write", inboxes.create,
          "Open an inbox on the shared or a named domain", inboxes_wire.InboxReply,
          body=inboxes_wire.InboxNew, status=201, errors=(404, 409)),
    Route("GET", "/v1/inboxes", "inboxes:read", inboxes.list_all,
          "List all inboxes", inboxes_wire.InboxesReply,
          query=inboxes_wire.InboxesQuery, errors=(404,)),
    Route("GET", "/v1/inboxes/{inbox}", "inboxes:read", inboxes.get,
          "Get an inbox", inboxes_wire.InboxReply, errors=(404,)),
    Route("PATCH", "/v1/inboxes/{inbox}", "inboxes:write", inboxes.update,
          "Change an inbox", inboxes_wire.InboxReply,
          body=inboxes_wire.InboxChange, errors=(404, 409)),
    Route("GET", "/v1/domains/{domain}/inboxes", "inboxes:read", inboxes.list_under,
          "List the inboxes of a domain", inboxes_wire.InboxesReply, errors=(404,)),
    Route("POST", "/v1/domains/{domain}/inboxes", "inboxes:write", inboxes.create_under,
          "Open an inbox under a domain", inboxes_wire.InboxReply,
          body=inboxes_wire.InboxUnderDomain, status=201, errors=(404, 409)),
    Route("GET", _INBOX, "inboxes:read", inboxes.get,
          "Get an inbox", inboxes_wire.InboxReply, errors=(404,)),
    Route("PUT", _INBOX, "inboxes:write", inboxes.update,
          "Change an inbox; `webhook: {}` removes the webhook", inboxes_wire.InboxReply,
          body=inboxes_wire.InboxChange, errors=(404, 409)),
    Route("DELETE", _INBOX, "inboxes:write", inboxes.delete,
          "Delete an inbox and its mail", OkReply, errors=(404,)),
    Route("POST", f"{_INBOX}/webhook", "inboxes:write", inboxes.set_webhook,
          "Set the webhook, as PUT on the inbox does", inboxes_wire.InboxReply,
          body=inboxes_wire.WebhookIn, errors=(404,)),
    Route("PUT", f"{_INBOX}/extraction-schema", "inboxes:write", inboxes.set_extraction_schema,
          "Set what is read out of each mail that comes in", inboxes_wire.InboxReply,
          body=inboxes_wire.ExtractionIn, errors=(404,)),
    Route("DELETE", f"{_INBOX}/extraction-schema", "inboxes:write",
          inboxes.remove_extraction_schema,
          "Read nothing more out of mail", inboxes_wire.InboxReply, errors=(404,)),
    Route("POST", f"{_INBOX}/schema", "inboxes:write", inboxes.set_extraction_schema,
          "Set what is read out of mail, as some clients ask for it", inboxes_wire.InboxReply,
          body=inboxes_wire.SchemaIn, errors=(404,)),
    Route("DELETE", f"{_INBOX}/schema", "inboxes:write", inboxes.remove_extraction_schema,
          "Read nothing more out of mail, as some clients ask for it", inboxes_wire.InboxReply,
          errors=(404,)),
)  # fmt: skip

THREADS = (
    Route("GET", "/v1/threads", "threads:read", threads.list_threads,
          "List threads, paged by cursor or offset", threads_wire.ThreadsReply,
          query=threads_wire.ThreadsQuery, errors=(404,)),
    Route("GET", "/v1/threads/counts", "threads:read", threads.counts,
          "Count threads by status", threads_wire.CountsReply,
          query=threads_wire.CountsQuery, errors=(404,)),
    Route("GET", _THREAD, "threads:read", threads.get,
          "Get one row of the list", threads_wire.ThreadReply, errors=(404,)),
    Route("PATCH", _THREAD, "threads:write", threads.patch,
          "Set status and assignee", threads_wire.ThreadReply,
          body=threads_wire.ThreadPatch, errors=(404,)),
    Route("GET", f"{_THREAD}/messages", "threads:read", threads.list_messages,
          "Get the whole conversation", messages_wire.ConversationReply,
          query=threads_wire.ConversationQuery, errors=(404,)),
    Route("GET", f"{_THREAD}/metadata", "threads:read", threads.metadata,
          "Get tags, status and assignee", threads_wire.MetadataReply, errors=(404,)),
    Route("PUT", f"{_THREAD}/status", "threads:write", threads.set_status,
          "Set the status", threads_wire.MetadataReply,
          body=threads_wire.StatusIn, errors=(404,)),
    Route("POST", f"{_THREAD}/tags", "threads:write", threads.add_tags,
          "Add tags", threads_wire.MetadataReply,
          body=threads_wire.TagsIn, errors=(404,)),
    Route("DELETE", f"{_THREAD}/tags", "threads:write", threads.remove_tags,
          "Remove tags", threads_wire.MetadataReply,
          body=threads_wire.TagsIn, errors=(404,)),
    Route("POST", f"{_THREAD}/tags/remove", "threads:write", threads.remove_tags,
          "Remove tags, for clients that send no body with DELETE", threads_wire.MetadataReply,
          body=threads_wire.TagsIn, errors=(404,)),
    Route("PUT", f"{_THREAD}/assign", "threads:write", threads.assign,
          "Assign, or give back with null", threads_wire.MetadataReply,
          body=threads_wire.AssignIn, errors=(404,)),
    Route("PUT", f"{_THREAD}/read", "threads:write", threads.set_read,
          "Mark read or unread", threads_wire.ThreadReply,
          body=threads_wire.ReadIn, errors=(404,)),
    Route("PUT", f"{_THREAD}/snooze", "threads:write", threads.set_snooze,
          "Let it sleep until a moment, or wake it with null", threads_wire.ThreadReply,
          body=threads_wire.SnoozeIn, errors=(404,)),
    Route("GET", "/v1/search/threads", "threads:read", search.search_threads,
          "Search threads", search_wire.SearchReply,
          query=search_wire.SearchQuery, errors=(404,)),
)  # fmt: skip

MESSAGES = (
    Route("POST", "/v1/messages/send", "messages:write", sending.send,
          "Send mail, or reply with thread_id", messages_wire.SendReply,
          body=messages_wire.SendIn, status=202, errors=(404, 409), stores=True),
    Route("POST", "/v1/messages/{message}/cancel", "messages:write", sending.cancel,
          "Cancel a mail that has not been handed over", messages_wire.HeldReply,
          errors=(404, 409)),
    Route("POST", "/v1/messages/{message}/send-now", "messages:write", sending.send_now,
          "Let a held mail leave at once", messages_wire.HeldReply, errors=(404, 409)),
    Route("GET", "/v1/messages", "messages:read", messages.list_messages,
          "List messages", messages_wire.MessagesReply,
          query=messages_wire.MessagesQuery, errors=(404,)),
    Route("GET", "/v1/messages/{message}", "messages:read", messages.get,
          "Get a message, by id or Message-ID", messages_wire.MessageReply, errors=(404,)),
    Route("GET", "/v1/messages/{message}/raw", "messages:read", messages.raw,
          "Get the message exactly as it came or went", bytes,
          gives="message/rfc822", errors=(404,)),
    Route("POST", "/v1/import", "messages:write", sending.import_mail,
          "Bring in one message from history", messages_wire.ImportReply,
          query=messages_wire.ImportQuery, takes="message/rfc822", errors=(404,),
          stores=True),
    Route("POST", "/v1/attachments/upload", "attachments:write", attachments.upload,
          "Upload a file as base64, up to 10 MiB", attachments_wire.AttachmentReply,
          body=attachments_wire.UploadIn, status=201, stores=True,
          file="content"),
    Route("GET", "/v1/attachments/{attachment}", "attachments:read", attachments.facts,
          "Get an attachment's facts", attachments_wire.AttachmentReply, errors=(404,)),
    Route("GET", "/v1/attachments/{attachment}/url", "attachments:read", attachments.link,
          "Get a link to the bytes that expires", attachments_wire.LinkReply,
          query=attachments_wire.LinkQuery, errors=(404,)),
    Route("GET", "/v1/attachments/{attachment}/content", "attachments:read", attachments.content,
          "Get an attachment's bytes, by key or by link", bytes,
          gives="application/octet-stream", errors=(404, 410), proof=attachments.linked),
)  # fmt: skip

DELIVERY = (
    Route("GET", "/v1/delivery/metrics", "messages:read", delivery.metrics,
          "Count sent, delivered, bounced, complained, failed, suppressed",
          delivery_wire.MetricsReply, query=delivery_wire.MetricsQuery, errors=(404,)),
    Route("GET", "/v1/delivery/events", "messages:read", delivery.events,
          "List delivery events", delivery_wire.EventsReply,
          query=delivery_wire.EventsQuery, errors=(404,)),
    Route("GET", "/v1/delivery/suppressions", "messages:read", delivery.suppressions,
          "List suppressed addresses", delivery_wire.SuppressionsReply,
          query=delivery_wire.SuppressionsQuery, errors=(404,)),
    Route("POST", "/v1/delivery/suppressions", "messages:write", delivery.suppress,
          "Write to an address no more", delivery_wire.SuppressionsReply,
          body=delivery_wire.SuppressionNew, status=201, errors=(404,)),
    Route("DELETE", "/v1/delivery/suppressions/{suppression}", "messages:write",
          delivery.allow_again, "Allow an address again, or remove one suppression by its id",
          delivery_wire.RemovedReply, query=delivery_wire.SuppressionGone, errors=(404,)),
)  # fmt: skip

WEBHOOKS = (
    Route("GET", "/v1/webhooks/deliveries", "messages:read", webhooks.deliveries,
          "List webhook deliveries", webhooks_wire.HooksReply,
          query=webhooks_wire.HooksQuery, errors=(404,)),
    Route("GET", "/v1/webhooks/deliveries/{delivery}", "messages:read", webhooks.delivery,
          "Get a webhook delivery with its attempts", webhooks_wire.HookReply, errors=(404,)),
    Route("POST", "/v1/webhooks/deliveries/{delivery}/retry", "messages:write", webhooks.retry,
          "Try a webhook delivery now", webhooks_wire.HookRetriedReply, errors=(404,)),
    Route("GET", "/v1/webhooks/health", "messages:read", webhooks.health,
          "How endpoints have done", webhooks_wire.HookHealthReply,
          query=webhooks_wire.HealthQuery, errors=(404,)),
    Route("POST", "/v1/webhooks/test", "messages:write", webhooks.test,
          "Call an inbox's webhook with made-up mail", webhooks_wire.HookTestReply,
          body=webhooks_wire.HookTest, errors=(404,)),
    Route("POST", "/v1/inboxes/{inbox}/webhook/rotate", "inboxes:write", webhooks.rotate,
          "Give a webhook a new secret; the old one signs along for a day",
          inboxes_wire.InboxReply, errors=(400, 404)),
)  # fmt: skip

SYSTEM = (
    Route("GET", "/v1/events/stream", "threads:read", events.stream,
          "Stream events; resume with Last-Event-ID", events_wire.StreamEvent,
          query=events_wire.StreamQuery, gives="text/event-stream", errors=(404,)),
    Route("GET", "/v1/capabilities", ANY_KEY, system.capabilities,
          "What this server does beyond the hosted API", events_wire.CapabilitiesReply),
    Route("GET", "/healthz", PUBLIC, system.healthz,
          "The process is up", events_wire.HealthReply),
    Route("GET", "/health", PUBLIC, system.healthz,
          "The process is up, by the name that some clients know", events_wire.HealthReply),
    Route("GET", "/readyz", PUBLIC, system.readyz,
          "Mail can be taken and work is done", events_wire.ReadyReply, same=(503,)),
    Route("GET", "/metrics", PUBLIC, system.metrics,
          "Counters for Prometheus", bytes, gives="text/plain"),
    Route("GET", "/openapi.json", PUBLIC, system.openapi,
          "This API, described by OpenAPI 3.1", dict),
)  # fmt: skip

ROUTES: tuple[Route, ...] = (
    *DOMAINS, *INBOXES, *THREADS, *MESSAGES, *DELIVERY, *WEBHOOKS, *ACCOUNT, *AGNIC, *SYSTEM,
)  # fmt: skip


if __name__ == "__main__":
    import sys

    from agentmail_server.http.apidoc import api_markdown

    sys.stdout.write(api_markdown(ROUTES))

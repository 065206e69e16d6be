"""Rules first; a model, where one is set, is asked only for what they leave open, and checked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Protocol

from agentmail_server.ids import from_micros
from agentmail_server.mail.extract.model import MailView
from agentmail_server.mail.extract.rules import extract, fits
from agentmail_server.mail.quotes import visible_text
from agentmail_server.relay.model import ModelFailed
from agentmail_server.store.extraction import Outcome
from agentmail_server.store.records import MessageRow

_LONGEST = 40_000
_SPACES = re.compile(r"\s+")


class Model(Protocol):
    """Answers with fields of a mail, unchecked."""

    async def ask(self, mail: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer; raises ModelFailed."""
        ...


def view_of(message: MessageRow) -> MailView:
    """Return the part of a message that is read: what its sender wrote, quotes aside."""
    text = visible_text(message.text).strip() or message.text
    return MailView(
        message.subject, text[:_LONGEST], message.from_name, from_micros(message.created_at)
    )


async def read_fields(
    view: MailView, schema: Mapping[str, Any], model: Model | None = None
) -> Outcome:
    """Return the fields of a mail; a model that fails is named in the error, the rest stands."""
    found = await asyncio.to_thread(extract, view, schema)
    data, evidence = dict(found.data), dict(found.evidence)
    open_fields = {
        name: wanted for name, wanted in schema.get("properties", {}).items() if name not in data
    }
    if model is None or not open_fields:
        return Outcome(data, evidence)
    try:
        told = await model.ask(view.whole, {"type": "object", "properties": open_fields})
    except ModelFailed as error:
        return Outcome(data, evidence, str(error))
    for name, wanted in open_fields.items():
        if name in told and _credible(name, told[name], wanted, view):
            data[name] = told[name]
            evidence[name] = "model"
    return Outcome(data, evidence)


def _credible(name: str, value: Any, schema: Any, view: MailView) -> bool:
    """Tell whether a model's value is of the schema and, where it is text, stands in the mail."""
    if value is None or not isinstance(schema, dict) or not fits(value, schema):
        return False
    free = "enum" in schema or "summary" in name.casefold()
    return free or all(_stands(each, view) for each in _leaves(value))


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in _leaves(each)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in _leaves(each)]
    return [value]


def _stands(value: Any, view: MailView) -> bool:
    if isinstance(value, bool) or value is None:
        return True
    text = _plain(f"{view.sender_name} {view.whole}")
    if isinstance(value, int | float):
        return f"{value:g}" in text.replace(",", "")
    return _plain(str(value)) in text


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text).strip().casefold()

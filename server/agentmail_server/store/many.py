"""Conditions over many values that make one statement however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from agentmail_server.store.transaction import is_postgres


def among(
    conn: Connection, column: ColumnElement[Any], values: Iterable[str]
) -> ColumnElement[bool]:
    """Return whether a column is one of these texts.

    Spelling out hundreds of them, as `in_` does, costs more than to run the query.
    """
    if is_postgres(conn):
        return column == any_(literal(list(values), ARRAY(String)))
    each = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(each.c.value))

"""Indexes of who has which thread: for the lists of one person, and to count them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PLACES = {"ix_threads_inbox_assigned": "inbox_id", "ix_threads_org_assigned": "org_id"}


def upgrade() -> None:
    """Create the indexes."""
    for name, place in _PLACES.items():
        op.create_index(
            name,
            "threads",
            [place, "assigned_to", "last_message_at", "id", "snoozed_until"],
            unique=False,
            sqlite_where=sa.text("assigned_to IS NOT NULL"),
            postgresql_where=sa.text("assigned_to IS NOT NULL"),
        )


def downgrade() -> None:
    """Remove the indexes."""
    for name in _PLACES:
        op.drop_index(name, "threads")

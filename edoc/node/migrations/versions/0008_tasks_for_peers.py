"""The index of what waits for a peer holds nothing else: most tasks have no peer and stay out of it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_FOR_PEER = sa.text("done_at IS NULL AND dead_at IS NULL AND peer IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_tasks_peer", table_name="tasks")
    op.create_index(
        "ix_tasks_peer",
        "tasks",
        ["peer", "due_at"],
        sqlite_where=_FOR_PEER,
        postgresql_where=_FOR_PEER,
    )

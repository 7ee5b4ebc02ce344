"""Tasks in lanes, with an expiry and a history; peers with a breaker."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OPEN = sa.text("done_at IS NULL AND dead_at IS NULL")
_UNFINISHED = sa.text("done_at IS NULL AND discarded_at IS NULL")
_IN_HAND = sa.text("lease_until IS NOT NULL")
_DEAD = sa.text("dead_at IS NOT NULL")
_PATIENCE = timedelta(days=7)


def upgrade() -> None:
    _widen_tasks()
    _fill_tasks()
    with op.batch_alter_table("tasks") as batch:
        batch.alter_column("lane", existing_type=sa.String(length=64), nullable=False)
        batch.alter_column("expires_at", existing_type=sa.String(length=32), nullable=False)
        batch.alter_column("tries", existing_type=sa.Integer(), nullable=False)
    _index_tasks()
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["task"], ["tasks.id"], name="fk_attempts_task"),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_task", "attempts", ["task"])
    op.create_table(
        "peers",
        sa.Column("peer", sa.String(length=35), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.String(length=32), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", sa.String(length=32), nullable=True),
        sa.Column("last_success_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("peer", name="pk_peers"),
    )


def _widen_tasks() -> None:
    for name, kind in (
        ("lane", sa.String(length=64)),
        ("peer", sa.String(length=35)),
        ("expires_at", sa.String(length=32)),
        ("warned_at", sa.String(length=32)),
        ("tries", sa.Integer()),
        ("discarded_at", sa.String(length=32)),
        ("code", sa.String(length=32)),
    ):
        op.add_column("tasks", sa.Column(name, kind, nullable=True))


def _fill_tasks() -> None:
    connection = op.get_bind()
    # what is in a worker's hands while this runs is taken up again, and its old worker cannot commit
    connection.execute(
        sa.text("UPDATE tasks SET lease_until = NULL, fence = fence + 1 WHERE lease_until IS NOT NULL")
    )
    connection.execute(
        sa.text(
            "UPDATE tasks SET tries = 0, starts = 0,"
            " code = CASE WHEN dead_at IS NULL THEN NULL ELSE 'UNKNOWN' END,"
            " lane = CASE kind WHEN 'deliver' THEN 'deliver ' || argument WHEN 'answer' THEN 'answer'"
            " ELSE 'steps' END,"
            " peer = CASE kind WHEN 'deliver' THEN argument WHEN 'answer' THEN"
            " (SELECT organ_id FROM documents WHERE documents.id = tasks.document) END"
        )
    )
    # work that was under way gets the whole time once more
    expiry = (_now(connection) + _PATIENCE).isoformat(timespec="microseconds")
    connection.execute(sa.text("UPDATE tasks SET expires_at = :expiry"), {"expiry": expiry})


def _now(connection: sa.Connection) -> datetime:
    """The database's time, which SQLite gives without its zone."""
    now: datetime = connection.execute(sa.select(sa.func.now())).scalar_one()
    return now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)


def _index_tasks() -> None:
    op.drop_index("ix_tasks_done_at_dead_at_due_at", table_name="tasks")
    for name, columns, where in (
        ("ix_tasks_due_at", ["due_at", "id"], _OPEN),
        ("ix_tasks_peer", ["peer", "due_at"], _OPEN),
        ("ix_tasks_lane", ["document", "lane", "id"], _UNFINISHED),
        ("ix_tasks_in_hand", ["document", "lane"], _IN_HAND),
        ("ix_tasks_dead_at", ["dead_at"], _DEAD),
    ):
        op.create_index(
            name,
            "tasks",
            columns,
            unique=name == "ix_tasks_in_hand",
            sqlite_where=where,
            postgresql_where=where,
        )

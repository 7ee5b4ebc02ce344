"""Orders about earlier documents, and deadlines."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("document", sa.String(length=32), nullable=False),
        sa.Column("named", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=1), nullable=False),
        sa.Column("bare", sa.Boolean(), nullable=False),
        sa.Column("sender", sa.String(length=35), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name="fk_orders_document"),
        sa.ForeignKeyConstraint(["target"], ["documents.id"], name="fk_orders_target"),
        sa.PrimaryKeyConstraint("document", "named", name="pk_orders"),
    )
    op.create_index("ix_orders_sender_named", "orders", ["sender", "named"])
    op.create_index("ix_orders_target", "orders", ["target"])
    op.create_table(
        "deadlines",
        sa.Column("document", sa.String(length=32), nullable=False),
        sa.Column("recipient", sa.String(length=35), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.String(length=32), nullable=False),
        sa.Column("warn_at", sa.String(length=32), nullable=False),
        sa.Column("met_at", sa.String(length=32), nullable=True),
        sa.Column("lapsed_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name="fk_deadlines_document"),
        sa.PrimaryKeyConstraint("document", "recipient", "kind", name="pk_deadlines"),
    )
    # only what is still open is ever looked for by time
    op.create_index(
        "ix_deadlines_warn_at",
        "deadlines",
        ["warn_at"],
        sqlite_where=sa.text("met_at IS NULL AND lapsed_at IS NULL"),
        postgresql_where=sa.text("met_at IS NULL AND lapsed_at IS NULL"),
    )

"""What was sent over the axis, or may have been."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "axis_shipments",
        sa.Column("message_id", sa.String(length=128), nullable=False),
        sa.Column("receiver", sa.String(length=35), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("first_at", sa.String(length=32), nullable=False),
        sa.Column("doc_id", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("message_id", name="pk_axis_shipments"),
    )
    op.create_index("ix_axis_shipments_sha256", "axis_shipments", ["sha256"])

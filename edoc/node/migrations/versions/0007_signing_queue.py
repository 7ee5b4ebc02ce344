"""Documents that wait for a person's key, and holds on numbering."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "numbering_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("since", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_numbering_holds"),
    )
    op.create_table(
        "signing_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("signed_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name="fk_signing_requests_document"),
        sa.PrimaryKeyConstraint("id", name="pk_signing_requests"),
        sa.UniqueConstraint("document", "position", name="uq_signing_requests_document_position"),
    )
    op.create_table(
        "signing_claims",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request", sa.Integer(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.String(length=32), nullable=False),
        sa.Column("lease_until", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("value_hash", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["signing_requests.id"], name="fk_signing_claims_request"),
        sa.PrimaryKeyConstraint("id", name="pk_signing_claims"),
    )
    op.create_index("ix_signing_claims_request", "signing_claims", ["request"])

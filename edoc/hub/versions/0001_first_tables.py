"""The first tables: agencies, systems, messages, deliveries, calls, audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQLITE = """
CREATE TRIGGER audit_{act} BEFORE {act} ON audit {when}
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
"""
_SQLITE_ACTS = {
    "UPDATE": "",
    "DELETE": "",
    # INSERT OR REPLACE deletes without asking the trigger of DELETE
    "INSERT": "WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)",
}
_POSTGRESQL = (
    """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$
""",
    """
CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
""",
)


def upgrade() -> None:
    """Make them."""
    _make_agencies()
    _make_queues()
    op.create_table(
        "calls",
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=32), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("system", "operation", "signature", "body_sha256", name="pk_calls"),
    )
    op.create_index("ix_calls_at", "calls", ["at"])
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("result", sa.String(length=8), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"])
    if op.get_bind().dialect.name == "sqlite":
        for act, when in _SQLITE_ACTS.items():
            op.execute(_SQLITE.format(act=act, when=when))
    else:
        for statement in _POSTGRESQL:
            op.execute(statement)


def _make_agencies() -> None:
    op.create_table(
        "agencies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=35), nullable=False),
        sa.Column("old_code", sa.String(length=35), nullable=True),
        sa.Column("parent_code", sa.String(length=35), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("fax", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("changed_at", sa.String(length=32), nullable=False),
        sa.Column("deleted_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_agencies"),
        sa.UniqueConstraint("code", name="uq_agencies_code"),
        sa.UniqueConstraint("old_code", name="uq_agencies_old_code"),
    )
    op.create_index("ix_agencies_system", "agencies", ["system"])
    op.create_table(
        "systems",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("agency", sa.String(length=35), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name="fk_systems_agency"),
        sa.PrimaryKeyConstraint("id", name="pk_systems"),
    )


def _make_queues() -> None:
    op.create_table(
        "messages",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("doc_id", sa.String(length=32), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=35), nullable=False),
        sa.Column("receivers_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("notation", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["system"], ["systems.id"], name="fk_messages_system"),
        sa.ForeignKeyConstraint(["sender"], ["agencies.code"], name="fk_messages_sender"),
        sa.PrimaryKeyConstraint("seq", name="pk_messages"),
        sa.UniqueConstraint("doc_id", name="uq_messages_doc_id"),
        sa.UniqueConstraint(
            "sender", "sha256", "receivers_sha256", name="uq_messages_sender_sha256_receivers_sha256"
        ),
    )
    op.create_index("ix_messages_system_seq", "messages", ["system", "seq"])
    op.create_table(
        "deliveries",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("doc_id", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Integer(), nullable=False),
        sa.Column("receiver", sa.String(length=35), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("changed_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["message"], ["messages.seq"], name="fk_deliveries_message"),
        sa.ForeignKeyConstraint(["receiver"], ["agencies.code"], name="fk_deliveries_receiver"),
        sa.PrimaryKeyConstraint("seq", name="pk_deliveries"),
        sa.UniqueConstraint("doc_id", name="uq_deliveries_doc_id"),
    )
    op.create_index("ix_deliveries_message", "deliveries", ["message"])
    op.create_index("ix_deliveries_receiver_status_seq", "deliveries", ["receiver", "status", "seq"])

"""The node's tables.

Times are UTC, as text in ISO 8601 with microseconds: the same in SQLite and PostgreSQL, and they sort.
Content never stands here, only its SHA-256.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

documents = Table(
    "documents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("direction", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("submission", String(64), nullable=False),  # what makes submitting or receiving it idempotent
    Column("document_id", Text),  # edXML DocumentId; an outgoing document gets it with its number
    Column("organ_id", String(35), nullable=False),  # the issuing agency
    Column("dispatch", JSON, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False),
    UniqueConstraint("direction", "submission"),
    UniqueConstraint("direction", "organ_id", "document_id"),
    Index(None, "direction", "state"),
)

files = Table(
    "files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document", ForeignKey("documents.id"), nullable=False),
    Column("role", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", String(32), nullable=False),
    UniqueConstraint("document", "role", "name"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("document", ForeignKey("documents.id"), primary_key=True),
    Column("recipient", String(35), primary_key=True),
    Column("message_id", String(36), nullable=False),
    Column("state", String(16), nullable=False),
    Column("changed_at", String(32), nullable=False),
)

books = Table(
    "books",
    metadata,
    Column("series", String(30), primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("last_number", Integer, nullable=False),
)

register_entries = Table(
    "register_entries",
    metadata,
    Column("series", String(30), primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("document", ForeignKey("documents.id"), nullable=False, unique=True),
    Column("given_at", String(32), nullable=False),
    Column("void_reason", Text),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document", ForeignKey("documents.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("argument", String(64), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("due_at", String(32), nullable=False),
    Column("starts", Integer, nullable=False, default=0),
    Column("fence", Integer, nullable=False, default=0),
    Column("lease_until", String(32)),
    Column("done_at", String(32)),
    Column("dead_at", String(32)),
    Column("error", Text),
    UniqueConstraint("document", "kind", "argument"),
    Index(None, "done_at", "dead_at", "due_at"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("sender", String(35), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("document", ForeignKey("documents.id")),
    Column("received_at", String(32), nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("document", ForeignKey("documents.id")),
    Column("actor", Text, nullable=False),
    Column("event", String(32), nullable=False),
    Column("before", String(16)),
    Column("after", String(16)),
    Column("details", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "document"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

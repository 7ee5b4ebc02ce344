"""The hub's tables.

Times are UTC, as text in ISO 8601 with microseconds: the same in SQLite and PostgreSQL, and they sort.
Content never stands here, only its SHA-256; nor does a secret.
"""

from sqlalchemy import (
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

from edoc.node.tables import metadata as node_metadata

metadata = MetaData(naming_convention=node_metadata.naming_convention)

agencies = Table(
    "agencies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", String(35), nullable=False, unique=True),
    Column("old_code", String(35), unique=True),  # the other form of the code, if there is one
    Column("parent_code", String(35), nullable=False),
    Column("system", String(64), nullable=False),  # which system answers for it
    Column("name", Text, nullable=False),
    Column("mail", Text, nullable=False),
    Column("mobile", Text, nullable=False),
    Column("fax", Text, nullable=False),
    Column("version", Integer, nullable=False),  # counts its changes
    Column("created_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False),
    Column("deleted_at", String(32)),
    Index(None, "system"),
)

systems = Table(
    "systems",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("agency", ForeignKey("agencies.code"), nullable=False),  # its own; it may answer for more
    Column("created_at", String(32), nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("doc_id", String(32), nullable=False, unique=True),
    Column("system", ForeignKey("systems.id"), nullable=False),
    Column("sender", ForeignKey("agencies.code"), nullable=False),
    Column("receivers_sha256", String(64), nullable=False),  # of all their codes in order
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("title", Text, nullable=False),
    Column("notation", Text, nullable=False),
    Column("sent_at", String(32), nullable=False),
    UniqueConstraint("sender", "sha256", "receivers_sha256"),  # sent twice, it is the same
    Index(None, "system", "seq"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("doc_id", String(32), nullable=False, unique=True),
    Column("message", ForeignKey("messages.seq"), nullable=False),
    Column("receiver", ForeignKey("agencies.code"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False),
    Index(None, "message"),
    Index(None, "receiver", "status", "seq"),
)

calls = Table(
    "calls",
    metadata,
    Column("system", String(64), primary_key=True),
    Column("operation", String(32), primary_key=True),
    Column("signature", String(64), primary_key=True),
    Column("body_sha256", String(64), primary_key=True),
    Column("at", String(32), nullable=False),
    Index(None, "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("system", String(64), nullable=False),  # as it called itself; "" for the operator
    Column("address", String(64), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("subject", Text, nullable=False),  # a DocId or an agency's code
    Column("result", String(8), nullable=False),  # ErrorCode
    Column("note", Text, nullable=False),
    Index(None, "subject"),
)

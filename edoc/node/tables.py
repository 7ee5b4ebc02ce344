"""The node's tables.

Times are UTC, as text in ISO 8601 with microseconds: the same in SQLite and PostgreSQL, and they sort.
Content never stands here, only its SHA-256.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def instant(at: datetime) -> str:
    """Write a time as the tables hold it: UTC, ISO 8601, microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


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
    Column("series", String(30)),  # the book it is numbered in, if that is not the usual one
    UniqueConstraint("direction", "submission"),
    UniqueConstraint("direction", "organ_id", "document_id"),
    Index(None, "direction", "state"),
    Index(None, "direction", "created_at", "id"),  # lists are paged by it
    Index(None, "document_id"),
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

orders = Table(
    "orders",
    metadata,
    Column("document", ForeignKey("documents.id"), primary_key=True),  # the order
    Column("named", Text, primary_key=True),  # DocumentId of the document that it names
    Column("kind", String(1), nullable=False),  # BussinessDocType: 1 recall, 2 update, 3 replace
    Column("bare", Boolean, nullable=False),  # it carries no document of its own
    Column("sender", String(35), nullable=False),
    Column("target", ForeignKey("documents.id")),  # the named document here, once it is known
    Column("outcome", String(16)),
    Index(None, "sender", "named"),
    Index(None, "target"),
)

deadlines = Table(
    "deadlines",
    metadata,
    Column("document", ForeignKey("documents.id"), primary_key=True),
    Column("recipient", String(35), primary_key=True),  # "" for the document as a whole
    Column("kind", String(16), primary_key=True),
    Column("due_at", String(32), nullable=False),
    Column("warn_at", String(32), nullable=False),
    Column("met_at", String(32)),
    Column("lapsed_at", String(32)),  # the document took another course
    Index(
        None,
        "warn_at",
        sqlite_where=text("met_at IS NULL AND lapsed_at IS NULL"),
        postgresql_where=text("met_at IS NULL AND lapsed_at IS NULL"),
    ),
)

books = Table(
    "books",
    metadata,
    Column("series", String(30), primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("direction", String(8), nullable=False),
    Column("last_number", Integer, nullable=False),
)

register_entries = Table(
    "register_entries",
    metadata,
    Column("series", String(30), primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("document", ForeignKey("documents.id"), unique=True),  # none: reserved, or a paper document
    Column("given_at", String(32), nullable=False),
    Column("void_reason", Text),
    Column("symbol", Text),  # of a document we issue, as it is compared
    Column("reserved_for", Text),  # why it was reserved
    Column("reserved_until", String(10)),  # the day that a reserved number is meant for
    Column("paper", JSON(none_as_null=True)),  # the header of a paper document
    Column("fields", JSON(none_as_null=True)),  # what the clerk added: `edoc.core.entryfields`
    Column("same_code", Text),  # by which duplicates are found: `edoc.node.duplicates`
    Column("same_by_id", Text),
    Column("same_by_name", Text),
    Column("alerts", JSON(none_as_null=True)),  # a list of `edoc.node.duplicates` and of excess lengths
    UniqueConstraint("year", "symbol", "number"),  # NĐ 30/2020 Art 15.1
    *(
        Index(None, name, sqlite_where=text(there), postgresql_where=text(there))
        for name, there in (
            ("same_code", "same_code IS NOT NULL"),
            ("same_by_id", "same_by_id IS NOT NULL"),
            ("same_by_name", "same_by_name IS NOT NULL"),
        )
    ),
)

search_texts = Table(
    "search_texts",
    metadata,
    Column("id", Integer, primary_key=True),  # the newest document has the highest
    Column("document", ForeignKey("documents.id"), unique=True),
    Column("entry", Text, unique=True),  # of a paper document: its number in the register
    Column("direction", String(8), nullable=False),
    Column("year", Integer, nullable=False),
    Column("words", Text, nullable=False),  # `edoc.node.search`; the index over it is the migration's
)

numbering_holds = Table(
    "numbering_holds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("since", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("ended_at", String(32)),  # no number is given while this is open
)

signing_requests = Table(
    "signing_requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document", ForeignKey("documents.id"), nullable=False),
    Column("position", Integer, nullable=False),  # several sign one after the other
    Column("role", Text, nullable=False),
    Column("person", Text),  # who must sign: a name, or
    Column("certificate", Text),  # one certificate, DER in Base64
    Column("level", String(8), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("signed_at", String(32)),
    UniqueConstraint("document", "position"),
)

signing_claims = Table(
    "signing_claims",
    metadata,
    Column("id", Integer, primary_key=True),  # the newest of a request counts
    Column("request", ForeignKey("signing_requests.id"), nullable=False),
    Column("taken_by", Text, nullable=False),
    Column("taken_at", String(32), nullable=False),
    Column("lease_until", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),  # the signature without its value
    Column("value_hash", String(64)),  # SHA-256 of the value that completed it
    Index(None, "request"),
)

_OPEN = text("done_at IS NULL AND dead_at IS NULL")
_UNFINISHED = text("done_at IS NULL AND discarded_at IS NULL")
_IN_HAND = text("lease_until IS NOT NULL")
# most tasks have no peer and need not be written there
_FOR_PEER = text("done_at IS NULL AND dead_at IS NULL AND peer IS NOT NULL")

tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document", ForeignKey("documents.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("argument", String(64), nullable=False),
    Column("lane", String(64), nullable=False),  # a document's tasks of one lane run one after the other
    Column("peer", String(35)),  # who must be reached
    Column("created_at", String(32), nullable=False),
    Column("due_at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),  # no more is tried after this
    Column("warned_at", String(32)),  # when it was said that it expires soon
    Column("starts", Integer, nullable=False, default=0),  # less `tries`: starts without an end
    Column("tries", Integer, nullable=False, default=0),  # attempts that failed and may be repeated
    Column("fence", Integer, nullable=False, default=0),
    Column("lease_until", String(32)),
    Column("done_at", String(32)),
    Column("dead_at", String(32)),
    Column("discarded_at", String(32)),  # a person gave up what was dead; it stays visible
    Column("code", String(32)),  # of the last error, in `edoc.core.failures`
    Column("error", Text),
    UniqueConstraint("document", "kind", "argument"),
    # of what is done long ago nothing stands in these
    Index("ix_tasks_due_at", "due_at", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_tasks_peer", "peer", "due_at", sqlite_where=_FOR_PEER, postgresql_where=_FOR_PEER),
    Index("ix_tasks_lane", "document", "lane", "id", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
    Index(
        "ix_tasks_in_hand",
        "document",
        "lane",
        unique=True,
        sqlite_where=_IN_HAND,
        postgresql_where=_IN_HAND,
    ),
    Index(
        "ix_tasks_dead_at",
        "dead_at",
        sqlite_where=text("dead_at IS NOT NULL"),
        postgresql_where=text("dead_at IS NOT NULL"),
    ),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task", ForeignKey("tasks.id"), nullable=False),
    Column("at", String(32), nullable=False),
    Column("start", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),  # failed, dead, replayed, discarded
    Column("code", String(32), nullable=False),
    Column("words", Text, nullable=False),
    Index(None, "task"),
)

peers = Table(
    "peers",
    metadata,
    Column("peer", String(35), primary_key=True),
    Column("failures", Integer, nullable=False),  # one after the other, up to now
    Column("open_until", String(32)),  # nothing is sent before; afterwards one task tries
    Column("last_error", Text),
    Column("last_error_at", String(32)),
    Column("last_success_at", String(32)),
)

axis_shipments = Table(
    "axis_shipments",
    metadata,
    Column("message_id", String(128), primary_key=True),
    Column("receiver", String(35), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("first_at", String(32), nullable=False),  # before the first attempt
    Column("doc_id", Text),  # its id at the hub, once that said so
    Column("sent_at", String(32)),
    Index(None, "sha256"),
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
    Index(
        None,
        "document",
        sqlite_where=text("outcome = 'conflict'"),
        postgresql_where=text("outcome = 'conflict'"),
    ),
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

duties = Table(
    "duties",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("due_at", String(32), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("lease_until", String(32)),
    Column("last_done_at", String(32)),
    Column("last_error", Text),
)

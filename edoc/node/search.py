"""Full-text search over the subjects and parties of a node's documents, in Vietnamese.

    search.find(connection, "uy ban nhan dan", direction="incoming", year=2026)
    search.find(connection, "Ủy ban giáo dục*")

Rules: every word must be there, in any order; a word with `*` at its end stands for all that begin so.
Without diacritics a word finds all its spellings; where the question has diacritics, documents with exactly
these come first, then the others. Within each, the newest first. The row is written in the transaction that
writes the document; what turns it into an index stands in the migrations: FTS5 with triggers on SQLite, GIN
over a `tsvector` on PostgreSQL. Both get words that are cut here, so both find the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Integer, bindparam, select, text, update

from edoc.core.entryfields import RegisterNumber
from edoc.core.folding import fold_words, is_marked, spell
from edoc.core.zone import VIETNAM
from edoc.errors import InputError
from edoc.node import tables as t
from edoc.node.database import insert_once

MAX_WORDS: Final = 20
"""Of a question."""
PAGE: Final = 50

_SPELT: Final = "_"
"""Stands before a word that has its diacritics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A document, or the register entry of a paper one."""

    key: int
    """Goes down from page to page."""
    document: str | None
    entry: RegisterNumber | None
    """Its number in the register, if it has one."""
    direction: str
    state: str
    """`paper` for a paper document."""
    code: str
    """Number and symbol."""
    subject: str
    issuer: str
    recipients: tuple[str, ...]
    exact: bool
    """It has the question's words with just these diacritics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ended."""

    exact: bool
    key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of what was found, and where the next page begins; None after the last."""

    found: tuple[Found, ...]
    after: Place | None


def write(
    connection: Connection,
    *,
    direction: str,
    dispatch: Mapping[str, Any],
    at: str,
    document: str | None = None,
    entry: str | None = None,
) -> None:
    """Make a document, or the entry of a paper one, findable; again if its header changed.

    `at` is when it came to the node, as the tables hold times.
    """
    texts, words = t.search_texts, " ".join(_words(dispatch))
    year = datetime.fromisoformat(at).astimezone(VIETNAM).year
    written = connection.execute(
        insert_once(connection, texts)
        .values(document=document, entry=entry, direction=direction, year=year, words=words)
        .returning(texts.c.id)
    ).scalar()
    if written is None:
        named = texts.c.document == document if entry is None else texts.c.entry == entry
        connection.execute(update(texts).where(named & (texts.c.words != words)).values(words=words))


def _words(dispatch: Mapping[str, Any]) -> list[str]:
    """The words of a header that are looked for: folded, and spelt where that differs."""
    found: set[str] = set()
    for part in _texts(dispatch):
        found.update(fold_words(part))
        found.update(_SPELT + word for word in spell(part))
    return sorted(found)


def _texts(dispatch: Mapping[str, Any]) -> Iterator[str]:
    """Subject and parties. The header may be one that others wrote: only texts are taken."""
    values = [dispatch.get("subject"), *_list(dispatch.get("to_places"))]
    for party in (*_parties(dispatch), _mapping(dispatch.get("signer_info"))):
        values += [party.get(name) for name in ("organ_name", "organization_in_charge", "full_name")]
    yield from (value for value in values if isinstance(value, str))


def _parties(header: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The issuer, and then the recipients."""
    return [_mapping(party) for party in (header.get("from"), *_list(header.get("to")))]


def _name(party: Mapping[str, Any]) -> str:
    return str(party.get("organ_name") or party.get("organ_id") or "")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def find(
    connection: Connection,
    question: str,
    *,
    direction: str | None = None,
    year: int | None = None,
    after: Place | None = None,
    limit: int = PAGE,
) -> Page:
    """Look for documents; `year` is when they came to the node, `after` where the page before ended.

    Raises `InputError` if the question has no word, or more than twenty.
    """
    asked = _ask(question)
    hits: list[tuple[int, bool]] = []
    for exact in (True, False) if asked.spelt else (False,):
        if after is not None and after.exact < exact:
            continue
        below = after.key if after is not None and after.exact == exact else None
        matching = _write_question(connection, asked, exact=exact)
        bounds = {"direction": direction, "year": year, "below": below}
        rows = _search(connection, matching, bounds, limit + 1 - len(hits))
        hits += [(key, exact) for key in rows]
        if len(hits) > limit:
            break
    more, hits = len(hits) > limit, hits[:limit]
    last = Place(key=hits[-1][0], exact=hits[-1][1]) if more else None
    return Page(found=tuple(_tell(connection, hits)), after=last)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The words of a question, and whether each stands for all that begin so."""

    folded: tuple[tuple[str, bool], ...]
    spelt: tuple[tuple[str, bool], ...]
    """Empty if the question has no diacritics."""


def _ask(question: str) -> _Asked:
    folded, spelt = [], []
    for part in question.split():
        words, starts = fold_words(part), part.endswith("*")
        for place, (word, with_marks) in enumerate(zip(words, spell(part), strict=True)):
            begins = starts and place == len(words) - 1
            folded.append((word, begins))
            # what follows a beginning is unknown, its tone included
            spelt.append((word, True) if begins else (_SPELT + with_marks, False))
    if not 0 < len(folded) <= MAX_WORDS:
        raise InputError(
            f"a search takes one to {MAX_WORDS} words; these are {len(folded)}.", where=question[:80]
        )
    return _Asked(tuple(folded), tuple(spelt) if is_marked(question) else ())


def _write_question(connection: Connection, asked: _Asked, *, exact: bool) -> str:
    """In the words of the database; without what the exact ones found before."""
    sqlite = connection.dialect.name == "sqlite"
    both, but, begun = (" AND ", " NOT ", '"{}"*') if sqlite else (" & ", " & !", "'{}':*")
    whole = '"{}"' if sqlite else "'{}'"

    def join(words: tuple[tuple[str, bool], ...]) -> str:
        return "(" + both.join((begun if begins else whole).format(word) for word, begins in words) + ")"

    if exact:
        return join(asked.spelt)
    return join(asked.folded) + (but + join(asked.spelt) if asked.spelt else "")


_MATCHING: Final = {
    "sqlite": "SELECT search_texts.id FROM search_index CROSS JOIN search_texts"
    " ON search_texts.id = search_index.rowid WHERE search_index MATCH :question",
    # the expression of the index, else it is not used
    "postgresql": "SELECT search_texts.id FROM search_texts"
    " WHERE array_to_tsvector(string_to_array(search_texts.words, ' ')) @@ CAST(:question AS tsquery)",
}
_BOUNDS: Final = {
    "direction": " AND search_texts.direction = :direction",
    "year": " AND search_texts.year = :year",
    "below": " AND search_texts.id < :below",
}
_NEWEST: Final = (
    " AND search_texts.id > coalesce(:below, (SELECT max(id) + 1 FROM search_texts)) - 2000"
    " ORDER BY search_texts.id DESC LIMIT :limit"
)
_ORDER: Final = {
    "sqlite": " ORDER BY search_index.rowid DESC LIMIT :limit",
    # + 0: else a rare word is looked for by reading the whole table backwards
    "postgresql": " ORDER BY search_texts.id + 0 DESC LIMIT :limit",
}


def _search(
    connection: Connection, question: str, bounds: Mapping[str, str | int | None], limit: int
) -> list[int]:
    """The ids of what matches, the newest first."""
    kind = connection.dialect.name
    query = _MATCHING[kind] + "".join(_BOUNDS[name] for name, value in bounds.items() if value is not None)
    values = {**bounds, "question": question, "limit": limit}
    if kind == "postgresql":  # words that stand everywhere are found among the newest, without the index
        below = bindparam("below", type_=Integer)
        found = list(connection.execute(text(query + _NEWEST).bindparams(below), values).scalars())
        if len(found) == limit:
            return found
    return list(connection.execute(text(query + _ORDER[kind]), values).scalars())


def _tell(connection: Connection, hits: Sequence[tuple[int, bool]]) -> Iterator[Found]:
    """What was found, in the order of the hits."""
    texts, documents, entries = t.search_texts, t.documents, t.register_entries
    query = (
        select(
            texts.c.id,
            texts.c.document,
            texts.c.entry,
            texts.c.direction,
            documents.c.state,
            documents.c.dispatch,
            entries.c.series,
            entries.c.year,
            entries.c.number,
        )
        .join_from(texts, documents, texts.c.document == documents.c.id, isouter=True)
        .join(entries, entries.c.document == texts.c.document, isouter=True)
        .where(texts.c.id.in_([key for key, _ in hits]))
    )
    rows = {row.id: row for row in connection.execute(query)}
    for key, exact in hits:
        row = rows[key]
        header, entry = row.dispatch, None
        if row.entry is not None:
            entry = RegisterNumber.parse(row.entry)
            header = _paper(connection, entry)
        elif row.number is not None:
            entry = RegisterNumber(series=row.series, year=row.year, number=row.number)
        yield _describe(row, header or {}, entry, exact=exact)


def _paper(connection: Connection, entry: RegisterNumber) -> Any:
    columns = t.register_entries.c
    named = (columns.series == entry.series) & (columns.year == entry.year) & (columns.number == entry.number)
    return connection.execute(select(columns.paper).where(named)).scalar()


def _describe(row: Any, header: Mapping[str, Any], entry: RegisterNumber | None, *, exact: bool) -> Found:
    code, (issuer, *recipients) = _mapping(header.get("code")), _parties(header)
    number, notation = code.get("code_number") or "", code.get("code_notation") or ""
    return Found(
        key=row.id,
        document=row.document,
        entry=entry,
        direction=row.direction,
        state=row.state or "paper",
        code=f"{number}/{notation}" if number else notation,
        subject=header.get("subject") or "",
        issuer=_name(issuer),
        recipients=tuple(map(_name, recipients)),
        exact=exact,
    )

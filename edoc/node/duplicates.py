"""Duplicate alerts of the register of documents received (NĐ 30/2020, Annex VI).

    keys = keys_of(dispatch)                                  # what a duplicate would share
    alerts = find(connection, keys)                           # entries that share it, in words and numbers

A document is a duplicate of another if it has the same document code, or the same number, symbol and issuer
in the same year. Issuers are compared by their code, in either order of its groups, and by their name: a
paper document often has only one of the two. A duplicate is entered all the same, with an alert that names
the other: it is for a clerk to decide which one counts.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from edoc.core.folding import spell
from edoc.core.ids import AgencyCode, agency_groups
from edoc.node import tables as t

SAME_CODE: Final = "same-document-code"
SAME_NUMBER: Final = "same-number-symbol-issuer"
_MOST: Final = 5
"""Alerts that an entry names; a hundred say no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a duplicate of a document shares with it; None where the document has not enough."""

    same_code: str | None
    same_by_id: str | None
    same_by_name: str | None

    def values(self) -> dict[str, str | None]:
        """As the columns of `register_entries`."""
        return {
            "same_code": self.same_code,
            "same_by_id": self.same_by_id,
            "same_by_name": self.same_by_name,
        }


def symbol_key(notation: str) -> str | None:
    """Give a symbol as it is compared: case and blanks do not count; None for none."""
    return "".join(unicodedata.normalize("NFC", notation).casefold().split()) or None


def keys_of(dispatch: Mapping[str, Any]) -> Keys:
    """Give what a duplicate of this header would share with it."""
    code, issuer = dispatch.get("code") or {}, dispatch.get("from") or {}
    issued = str((dispatch.get("promulgation_info") or {}).get("promulgation_date") or "")
    number = _word(code.get("code_number")).lstrip("0")
    symbol = symbol_key(_word(code.get("code_notation")))
    stem = f"{issued[:4]} {number}/{symbol}" if number and symbol else ""
    groups = agency_groups(AgencyCode(_word(issuer.get("organ_id")).upper()))
    name = " ".join(spell(_word(issuer.get("organ_name"))))
    return Keys(
        same_code=_digest(_word(dispatch.get("document_id"))),
        same_by_id=_digest(f"{stem} {'.'.join(groups)}" if stem and any(groups) else ""),
        same_by_name=_digest(f"{stem} {name}" if stem and name else ""),
    )


def _word(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _digest(text: str) -> str | None:
    """Others write texts that are too long for an index."""
    return hashlib.sha256(text.encode()).hexdigest() if text else None


def find(connection: Connection, keys: Keys) -> list[dict[str, Any]]:
    """Give an alert for each earlier entry that shares a key, the oldest first, at most five.

    The caller holds the book's row, so that of two duplicates at the same moment the second sees the first.
    """
    entries = t.register_entries.c
    shared = [entries[name] == value for name, value in keys.values().items() if value is not None]
    if not shared:
        return []
    query = (
        select(entries.series, entries.year, entries.number, entries.document, entries.same_code)
        .where(or_(*shared))
        .order_by(entries.year, entries.number)
        .limit(_MOST)
    )
    return [
        {
            "kind": SAME_CODE if row.same_code and row.same_code == keys.same_code else SAME_NUMBER,
            "entry": f"{row.series}/{row.year}/{row.number}",
            "document": row.document,
        }
        for row in connection.execute(query)
    ]

"""How documents are named: in the three forms of `DocumentId` found in the wild, and by number and symbol.

    parse_document_code("H41.03,2026/02/05,05/UBND-VP").notation == "UBND-VP"

Rules: nothing is refused on input, what cannot be taken apart is kept whole; number and symbol part at the
first slash, so that `12/2024/NĐ-CP` is number 12 of `2024/NĐ-CP`.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

_PARTS: Final = 3
_DATE: Final = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d{1,9}[A-Za-z]?", re.ASCII)


class DocumentCodeForm(StrEnum):
    """How a document is named."""

    REGULATION = "regulation"
    """`OrganId,yyyy/MM/dd,Number/Notation`, as the reference library's samples have it."""
    UUID = "uuid"
    """Made by a program; the reference library invents one for a document without."""
    OTHER = "other"
    """Number and symbol alone, `12/UBND-VP`, and what programs make up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCode:
    """The name of a document, taken apart; what a form does not tell is empty."""

    text: str
    """As it was written, without surrounding white space."""
    form: DocumentCodeForm
    organ_id: str = ""
    promulgation_date: date | None = None
    number: str = ""
    """As it was written, with its leading zero."""
    notation: str = ""


def parse_document_code(text: str) -> DocumentCode:
    """Take the name of a document apart."""
    text = text.strip()
    if _UUID.fullmatch(text):
        return DocumentCode(text=text, form=DocumentCodeForm.UUID)
    parts = [part.strip() for part in text.split(",")]
    number, notation = _split(parts[-1])
    if len(parts) == _PARTS and all(parts) and number:
        return DocumentCode(
            text=text,
            form=DocumentCodeForm.REGULATION,
            organ_id=parts[0],
            promulgation_date=_read_date(parts[1]),
            number=number,
            notation=notation,
        )
    if len(parts) > 1:
        number = notation = ""
    return DocumentCode(text=text, form=DocumentCodeForm.OTHER, number=number, notation=notation)


def _split(text: str) -> tuple[str, str]:
    """Number and symbol; empty if it is not these."""
    number, slash, notation = (part.strip() for part in text.partition("/"))
    return (number, notation) if slash and notation and _NUMBER.fullmatch(number) else ("", "")


def _read_date(text: str) -> date | None:
    found = _DATE.fullmatch(text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None

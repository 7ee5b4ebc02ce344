"""What a register entry says beside the document's own header, and the text that names an entry.

    number = RegisterNumber.parse("VB-DI/2026/17")
    fields = EntryFields.from_dict({"keeper": "Văn phòng", "note": "Bản giấy"})

Columns 6, 8, 9 and 10 of Annex IV of NĐ 30/2020, and the fields of its Annex VI that no package carries.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self

from edoc.core.annex6 import Held
from edoc.core.records import decode, encode
from edoc.errors import InputError

_NUMBER: Final = re.compile(r"(?P<series>.+)/(?P<year>\d{4})/(?P<number>\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RegisterNumber:
    """A number in a book; its text is `SERIES/YEAR/NUMBER`."""

    series: str
    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.series}/{self.year}/{self.number}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text; raises `InputError` if it is none."""
        found = _NUMBER.fullmatch(text.strip())
        if found is None or int(found["number"]) < 1:
            raise InputError(
                "this names no entry of a register.",
                where=text,
                advice="Write SERIES/YEAR/NUMBER, as VB-DI/2026/17.",
            )
        return cls(series=found["series"], year=int(found["year"]), number=int(found["number"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFields:
    """What the clerk adds to an entry."""

    keeper: str = ""
    """Unit or person that keeps the file copy of a document sent; the agency if empty."""
    unit: str = ""
    """Unit or person that a document received goes to; the agency if empty."""
    transfer_date: date | None = None
    """Of a paper document; the node knows the others'."""
    receipt: str = ""
    note: str = ""
    arrival_date: date | None = None
    """Of a paper document; the day of its number if absent."""
    file_organ_id: str = ""
    """FileCode of the file that the document belongs to, with the next two."""
    file_catalog: int | None = None
    file_notation: str = ""
    doc_ordinal: int | None = None
    language: str = ""
    description: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON values that are there."""
        return encode(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Take JSON values; raises `InputError` that names the wrong key."""
        return decode(cls, values)

    def held(self) -> Held:
        """Give the fields of Annex VI that stand here, by the Annex's names."""
        values: dict[str, str | int | date | None] = {
            "FileCode.OrganId": self.file_organ_id,
            "FileCode.FileCatalog": self.file_catalog,
            "FileCode.FileNotation": self.file_notation,
            "DocOrdinal": self.doc_ordinal,
            "Language": self.language,
            "Description": self.description,
        }
        return {name: value for name, value in values.items() if value not in (None, "")}

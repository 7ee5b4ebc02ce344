"""Agencies and their two codes: of QCVN 102:2016 (`000.12.03.H41`) and of QĐ 20/2020/QĐ-TTg (`H41.03.12`).

    directory = Directory.from_rows(rows)  # of getAgenciesListQD20, or of an own list
    directory.convert("000.12.03.H41", CodeForm.NEW)

Rules: both codes name the same levels in opposite orders, yet units were numbered anew when the codes
changed; so a code is converted by the list of agencies and never by turning it around, and where the list
names two agencies nothing is guessed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from edoc.core.ids import OLD_FORM, AgencyCode, agency_groups, parse_agency_code
from edoc.core.records import decode, encode
from edoc.errors import InputError

_NEW_FORM: Final = re.compile(r"[A-Z]\d{2}(?:\.[A-Z0-9]{1,3})*", re.ASCII)
_CODES: Final = ("code", "code102", "oldCode", "old_code")
"""What rows call a code: those of `getAgenciesListQD20` and `getAgenciesList`, and ours."""
_NAMES: Final = ("name", "mail")


class CodeForm(StrEnum):
    """By which rule a code was made."""

    OLD = "qcvn102"
    """13 characters, level 1 last: `000.00.00.H41`."""
    NEW = "qd20"
    """Up to 35 characters, level 1 first: `H41.03.12`."""
    OTHER = "other"
    """Codes of enterprises, hubs and programs, which circulate too."""


def code_form(code: AgencyCode) -> CodeForm:
    """Tell by which rule a code was made."""
    if OLD_FORM.fullmatch(code):
        return CodeForm.OLD
    return CodeForm.NEW if _NEW_FORM.fullmatch(code) else CodeForm.OTHER


def is_below(code: AgencyCode, above: AgencyCode) -> bool:
    """Tell by its code whether an agency lies below another; each code may be of either form."""
    groups, upper = agency_groups(code), agency_groups(above)
    return len(groups) > len(upper) and groups[: len(upper)] == upper


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """An agency in a list; one of its codes may be missing."""

    code: str = ""
    """By QĐ 20/2020, or of another form."""
    old_code: str = ""
    """By QCVN 102:2016."""
    name: str = ""
    mail: str = ""

    @property
    def level(self) -> int:
        """1 for ministries and provinces."""
        return len(agency_groups(AgencyCode(self.code or self.old_code)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A list of agencies; codes are found in either form, in capitals or not."""

    agencies: tuple[Agency, ...] = ()
    passed_over: int = 0
    """Rows that had no code that can be one."""
    _by_code: Mapping[str, tuple[Agency, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the index."""
        found: dict[str, tuple[Agency, ...]] = {}
        for agency in dict.fromkeys(self.agencies):
            for code in {agency.code.upper(), agency.old_code.upper()} - {""}:
                found[code] = (*found.get(code, ()), agency)
        object.__setattr__(self, "_by_code", found)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """Take the rows of one list of the axis, or of several one after another.

        A row's codes are told apart by their form, because the lists do not agree on what they call them. A
        row with one code says nothing new where another row has the same code and its counterpart.
        """
        read = [_read_row(row) for row in rows]
        found: dict[tuple[str, str], Agency] = {}
        for agency in filter(None, read):
            found.setdefault((agency.code, agency.old_code), agency)
        paired = {code for pair in found if all(pair) for code in pair}
        kept = (agency for pair, agency in found.items() if all(pair) or not paired & set(pair))
        return cls(agencies=tuple(kept), passed_over=read.count(None))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Take JSON, `{"agencies": [{"code": …, "old_code": …, "name": …, "mail": …}]}`.

        Raises `InputError` that names the path of the wrong key.
        """
        return cls(agencies=decode(_Listed, values).agencies)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON."""
        return encode(_Listed(agencies=self.agencies))

    def find(self, code: str) -> Agency | None:
        """Find an agency by its code in either form; None if it is not in the list.

        Raises `InputError` if the code is no code, or that of two agencies.
        """
        wanted = parse_agency_code(code)
        found = self._by_code.get(wanted.upper(), ())
        if len(found) > 1:
            shown = ", ".join(agency.code or agency.name for agency in found)
            raise InputError(
                f"the list of agencies has this code {len(found)} times: {shown}.",
                where=wanted,
                advice="Use the other form of the code.",
            )
        return found[0] if found else None

    def convert(self, code: str, form: CodeForm) -> AgencyCode:
        """Return an agency's code in the other form, or the same code if it is of that form already.

        Raises `InputError` if the list does not tell it.
        """
        given = parse_agency_code(code)
        if code_form(given) is form:
            return given
        agency = self.find(given)
        wanted = "" if agency is None else agency.old_code if form is CodeForm.OLD else agency.code
        if not wanted or code_form(AgencyCode(wanted)) is not form:
            raise InputError(
                f"the list of agencies knows no code of the form {form.value!r} for it.",
                where=given,
                advice="Fetch the list from the axis again, or ask the agency for its code.",
            )
        return AgencyCode(wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """The JSON of a directory."""

    agencies: tuple[Agency, ...] = ()


def _read_row(row: Mapping[str, Any]) -> Agency | None:
    """Read one row; None if it has no code."""
    codes: dict[bool, str] = {}
    for key in _CODES:
        try:
            code = parse_agency_code(str(row.get(key) or ""))
        except InputError:
            continue
        codes.setdefault(code_form(code) is CodeForm.OLD, code)
    if not codes:
        return None
    name, mail = (str(row.get(key) or "").strip() for key in _NAMES)
    return Agency(code=codes.get(False, ""), old_code=codes.get(True, ""), name=name, mail=mail)

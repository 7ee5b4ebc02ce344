"""The identifiers of agencies and documents, and how a number and a date are written.

Rules: agency codes circulate in two orders and many home-made forms, so on input no pattern is enforced, only
the length (QĐ 20/2020/QĐ-TTg: at most 35 characters). Numbers and dates follow NĐ 30/2020, Art 15 and
Annex I.
"""

import re
from datetime import date
from typing import Final, NewType

from edoc.errors import InputError

AgencyCode = NewType("AgencyCode", str)
"""The code of an agency as it was written, without surrounding white space."""

MAX_AGENCY_CODE: Final = 35
"""Characters; QĐ 20/2020. NĐ 30/2020 Annex VI still says 13, the length of the old form."""

OLD_FORM: Final = re.compile(r"\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}", re.ASCII)
"""Of QCVN 102:2016, 13 characters."""
_NO_GROUP: Final = frozenset({"00", "000"})
_FEBRUARY: Final = 2


def parse_agency_code(text: str) -> AgencyCode:
    """Take the code of an agency in either order, `000.00.00.H41` or `H41.03.12`, or in any other form.

    Raises `InputError` if it is empty, longer than 35 characters or not printable.
    """
    code = text.strip()
    if not code:
        raise InputError("the agency code is empty.")
    if len(code) > MAX_AGENCY_CODE or not code.isprintable():
        raise InputError(
            f"the agency code is longer than {MAX_AGENCY_CODE} characters or not printable.",
            where=repr(code[: MAX_AGENCY_CODE + 1]),
        )
    return AgencyCode(code)


def agency_groups(code: AgencyCode) -> tuple[str, ...]:
    """Split a code into its groups from level 1 down, whichever order it was written in.

    The old form puts level 1 last and fills the levels that are not there with zeros: `000.00.00.H41` gives
    `("H41",)` and `000.12.03.H41` gives `("H41", "03", "12")`.
    """
    groups = code.split(".")
    if OLD_FORM.fullmatch(code):
        return tuple(group for group in reversed(groups) if group not in _NO_GROUP)
    return tuple(groups)


def agency_level(code: AgencyCode) -> int:
    """Tell the level of an agency, 1 for ministries and provinces, by the number of its code's groups."""
    return len(agency_groups(code))


def make_document_id(organ_id: str, promulgation_date: date, number: str, notation: str) -> str:
    """Make the edXML DocumentId `OrganId,yyyy/MM/dd,Number/Notation`.

    Raises `InputError` if a part is missing or holds a comma, at which receivers split.
    """
    parts = {"from.organ_id": organ_id, "code.code_number": number, "code.code_notation": notation}
    for where, part in parts.items():
        if not part or "," in part:
            raise InputError("the document id needs this, and without a comma.", where=where)
    return f"{organ_id},{wire_date(promulgation_date)},{number}/{notation}"


def wire_date(day: date) -> str:
    """Write a date as edXML does, `yyyy/MM/dd`."""
    return f"{day.year:04d}/{day.month:02d}/{day.day:02d}"


def display_number(number: int) -> str:
    """Write a document's number: a zero precedes those below ten (NĐ 30/2020 Annex I).

    Raises `InputError` if the number is below one.
    """
    if number < 1:
        raise InputError("a document's number is one or more.", where=str(number))
    return f"{number:02d}"


def display_date_vi(day: date) -> str:
    """Write a date as documents do, `ngày 05 tháng 02 năm 2026`.

    A zero precedes days below ten and the months January and February (NĐ 30/2020 Annex I).
    """
    month = f"{day.month:02d}" if day.month <= _FEBRUARY else str(day.month)
    return f"ngày {day.day:02d} tháng {month} năm {day.year}"

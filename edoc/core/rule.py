"""The rule on the whole document, on top of its signatures: `nd30`.

Decree 30/2020, Arts 13, 14 and 16: competent persons sign, then agencies, in this order; the last agency
signature locks the document and nothing but validation data follows it; number and date are those of the
dispatch. Every reason is in both languages and fit for a letter of refusal (status 02).
"""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from edoc.core.chain import CertificateKind
from edoc.core.messages import say
from edoc.core.report import (
    Changes,
    DocumentRule,
    Indication,
    Message,
    SignatureReport,
    SignatureType,
)
from edoc.errors import InputError

RULES: Final = ("nd30", "none")
NUMBER_FIELD: Final = "Number"
DATE_FIELD: Final = "Date"

_NUMBER: Final = re.compile(r"(?:số\s*:?)?\s*(\d+)\s*/\s*(\S.*)", re.IGNORECASE)
_DATE: Final = re.compile(r"(\d{1,2})\s*(?:tháng|[/.-])\s*(\d{1,2})\s*(?:năm|[/.-])\s*(\d{4})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the dispatch says about the document; empty or None where it says nothing."""

    number: str = ""
    """`CodeNumber`, as `05`."""
    notation: str = ""
    """`CodeNotation`, as `UBND-VP`."""
    date: dt.date | None = None
    """`PromulgationDate`."""
    organization: str = ""
    """`From.OrganName`."""


def check_rule_name(name: str) -> str:
    """The name itself; raises `InputError` if there is no such rule."""
    if name not in RULES:
        raise InputError(
            f"there is no document rule named {name!r}.", advice=f"Use one of: {', '.join(RULES)}."
        )
    return name


def apply_rule(
    name: str,
    signatures: tuple[SignatureReport, ...],
    fields: tuple[tuple[str, str], ...],
    expected: Expected | None = None,
) -> DocumentRule:
    """Apply the rule of that name to signatures in the order they were made, and to the text fields."""
    if check_rule_name(name) == "none":
        return DocumentRule()
    reasons = (
        *_check_signatures(signatures),
        *_check_seal(signatures, expected),
        *_check_fields(dict(fields), expected),
    )
    return DocumentRule(name=name, passed=not reasons, reasons=reasons)


def apply_annex_rule(
    name: str, signatures: tuple[SignatureReport, ...], expected: Expected | None = None
) -> DocumentRule:
    """Apply the rule of that name to an annex in a file of its own: the agency sealed it (Annex I, II.5)."""
    if check_rule_name(name) == "none":
        return DocumentRule()
    reasons = (
        *_check_passed(signatures),
        *([] if _list_seals(signatures) else [say("RULE_NO_SEAL")]),
        # A document that is sent along in a file of its own may be sent along again.
        *_check_seal(signatures, expected, lock=False),
    )
    return DocumentRule(name=name, passed=not reasons, reasons=reasons)


def is_sealed_by(signature: SignatureReport, organization: str) -> bool:
    """Tell whether this is a valid signature of that agency, of any if the name is empty."""
    ours = not organization or _plain(_owner(signature)) == _plain(organization)
    passed = signature.indication is Indication.TOTAL_PASSED
    return passed and ours and signature in _list_seals((signature,))


def is_signed_by_person(signatures: tuple[SignatureReport, ...]) -> bool:
    """Tell whether a person signed, validly or not."""
    return any(
        signature.type is SignatureType.SIGNATURE and _kind(signature) is CertificateKind.PERSON
        for signature in signatures
    )


def _check_passed(signatures: tuple[SignatureReport, ...]) -> list[Message]:
    return [
        say("RULE_SIGNATURE_NOT_PASSED", _name(signature))
        for signature in signatures
        if signature.indication is not Indication.TOTAL_PASSED
    ]


def _list_seals(signatures: tuple[SignatureReport, ...]) -> list[SignatureReport]:
    return [
        signature
        for signature in signatures
        if signature.type is SignatureType.SIGNATURE and _kind(signature) is CertificateKind.AGENCY
    ]


def _check_signatures(signatures: tuple[SignatureReport, ...]) -> list[Message]:
    """Every signature passes; persons first, then agencies, at least one of each."""
    reasons = _check_passed(signatures)
    signed = [signature for signature in signatures if signature.type is SignatureType.SIGNATURE]
    kinds = [_kind(signature) for signature in signed]
    known = [kind for kind in kinds if kind in (CertificateKind.PERSON, CertificateKind.AGENCY)]
    reasons += [
        say("RULE_FOREIGN_SIGNATURE", _name(signature))
        for signature, kind in zip(signed, kinds, strict=True)
        if kind not in known
    ]
    if CertificateKind.PERSON not in known:
        reasons.append(say("RULE_NO_PERSON"))
    if CertificateKind.AGENCY not in known:
        reasons.append(say("RULE_NO_SEAL"))
    elif known != sorted(known, key=lambda kind: kind is CertificateKind.AGENCY):
        reasons.append(say("RULE_WRONG_ORDER", ", ".join(map(_name, signed))))
    return reasons


def _check_seal(
    signatures: tuple[SignatureReport, ...], expected: Expected | None, *, lock: bool = True
) -> list[Message]:
    """The last seal locks; after it nothing but validation data; it is the sender's."""
    seals = _list_seals(signatures)
    if not seals:
        return []
    last = seals[-1]
    reasons = [] if last.locked or not lock else [say("RULE_NOT_LOCKED")]
    if last.changes_after.rank > Changes.LTV_UPDATE.rank:
        reasons.append(say("RULE_CHANGED_AFTER_SEAL", last.changes_after))
    wanted = _plain(expected.organization) if expected else ""
    owners = [_owner(seal) for seal in seals]
    if wanted and wanted not in map(_plain, owners):
        reasons.append(say("RULE_AGENCY_DIFFERS", "; ".join(owners)))
    return reasons


def _check_fields(fields: dict[str, str], expected: Expected | None) -> list[Message]:
    """Number and date, where both the document has the field and the dispatch says one."""
    reasons = []
    number, day = fields.get(NUMBER_FIELD), fields.get(DATE_FIELD)
    if expected and expected.number and number is not None:
        wanted = f"{expected.number}/{expected.notation}"
        if _read_number(number) != _read_number(wanted):
            reasons.append(say("RULE_NUMBER_DIFFERS", f"“{number}” ≠ “{wanted}”"))
    if expected and expected.date and day is not None and read_date(day) != expected.date:
        reasons.append(say("RULE_DATE_DIFFERS", f"“{day}” ≠ “{expected.date:%d/%m/%Y}”"))
    return reasons


def read_date(text: str) -> dt.date | None:
    """Read a date as `ngày 05 tháng 02 năm 2026` or `5/2/2026`; None if the text holds not exactly one."""
    found = _DATE.findall(unicodedata.normalize("NFC", text))
    if len(found) != 1:
        return None
    day, month, year = map(int, found[0])
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _read_number(text: str) -> tuple[int, str] | str:
    """Number and notation; leading zeros do not count (NĐ 30/2020, Annex I)."""
    plain = _plain(text)
    match = _NUMBER.fullmatch(plain)
    return (int(match[1]), match[2].replace(" ", "")) if match else plain


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _kind(signature: SignatureReport) -> CertificateKind:
    return signature.signer.kind if signature.signer else CertificateKind.UNKNOWN


def _owner(signature: SignatureReport) -> str:
    return (signature.signer.organization or signature.signer.common_name) if signature.signer else ""


def _name(signature: SignatureReport) -> str:
    owner = signature.signer.common_name if signature.signer else ""
    return " – ".join(filter(None, (signature.field, owner))) or "?"

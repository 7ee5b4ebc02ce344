"""What our own profile asks of a dispatch beyond what the reference library would write."""

from dataclasses import replace
from enum import StrEnum
from typing import Final

from edoc.core.dispatch import Business, Dispatch
from edoc.core.ids import make_document_id
from edoc.errors import InputError


class Profile(StrEnum):
    """How a package is written."""

    EDOC = "edoc"
    """The reference's form; document id and business type are always there."""
    REFERENCE = "reference"
    """Exactly what the reference library writes for the same values."""


_NEW, _REVOKE, _UPDATE, _REPLACE = "0", "1", "2", "3"
_TYPES: Final = (_NEW, _REVOKE, _UPDATE, _REPLACE)


def complete(dispatch: Dispatch) -> Dispatch:
    """Put in the document id and the business type; raises `InputError` if they cannot be known."""
    return replace(dispatch, document_id=_document_id(dispatch), business=_business(dispatch.business))


def _document_id(dispatch: Dispatch) -> str:
    if dispatch.document_id:
        return dispatch.document_id
    issued = dispatch.promulgation_info.promulgation_date
    if issued is None:
        raise InputError(
            "this is missing, and the document id cannot be made without it.",
            where="promulgation_info.promulgation_date",
            advice="Give it or a document_id, or write with the profile 'reference'.",
        )
    code = dispatch.code
    return make_document_id(dispatch.from_.organ_id, issued, code.code_number, code.code_notation)


def _business(business: Business | None) -> Business:
    business = business or Business()
    kind = business.business_doc_type or _NEW
    if kind not in _TYPES:
        raise InputError(
            f"{kind!r} is none of 0 (new), 1 (revoke), 2 (update), 3 (replace).",
            where="business.business_doc_type",
        )
    if kind in {_REVOKE, _UPDATE} and not business.document_id:
        raise InputError("the document to revoke or update is not named.", where="business.document_id")
    if kind == _REPLACE and not business.replacements:
        raise InputError("the documents to replace are not named.", where="business.replacements")
    return replace(business, business_doc_type=kind)

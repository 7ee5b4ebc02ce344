"""What our own profile asks of a dispatch beyond what the reference library would write."""

from dataclasses import replace
from enum import StrEnum
from typing import Final, TypeVar

from edoc.core.dispatch import Business, Dispatch, Form, Organization, StatusUpdate
from edoc.core.ids import make_document_id
from edoc.errors import InputError


class Profile(StrEnum):
    """How a package is written."""

    EDOC = "edoc"
    """The reference's form, complete, with the digests of the attachments and, given a key, a signature."""
    REFERENCE = "reference"
    """Exactly what the reference library writes for the same values."""


_M = TypeVar("_M", Dispatch, StatusUpdate)
_NEW, _REVOKE, _UPDATE, _REPLACE = "0", "1", "2", "3"
_TYPES: Final = (_NEW, _REVOKE, _UPDATE, _REPLACE)


def complete(dispatch: Dispatch) -> Dispatch:
    """Put in the document id and the business type, and leave out what only the reference writes again.

    Raises `InputError` if they cannot be known, or if an agency has no code.
    """
    for place, organization in enumerate(dispatch.to):
        _require_code(organization, f"to[{place}]")
    return replace(
        _complete_message(dispatch), document_id=_document_id(dispatch), business=_business(dispatch.business)
    )


def complete_status(status: StatusUpdate) -> StatusUpdate:
    """Leave out what only the reference writes again; raises `InputError` if the sender has no code."""
    return _complete_message(status)


def _complete_message(message: _M) -> _M:
    _require_code(message.from_, "from")
    form = None if message.form is None else Form(empty=message.form.empty)
    return replace(message, signature=None, form=form)


def _require_code(organization: Organization, where: str) -> None:
    if not organization.organ_id.strip():
        raise InputError(
            "this is missing.",
            where=f"{where}.organ_id",
            advice="Give the agency's code, or write with the profile 'reference'.",
        )


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

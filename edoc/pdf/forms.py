"""The form of a PDF: the fields that edoc adds, who signed in a field, what signatures lock. Facts only."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from asn1crypto import cms
from pyhanko.pdf_utils import generic

from edoc.core.evidence import Lock
from edoc.pdf.fieldlist import Field, list_fields
from edoc.pdf.objects import items, look

NUMBER: Final = "Number"
DATE: Final = "Date"
PERSON: Final = "Person"
SEAL: Final = "Seal"
PREPARED: Final = (NUMBER, DATE, PERSON, SEAL)
"""The fields that `edoc.prepare` adds; further seals are `Seal2`, `Seal3`, …"""


def find_field(view: Any, name: str) -> Field | None:
    """Give the field of that name in a reader or writer, or None."""
    return next((field for field in list_fields(view) if field.name == name), None)


def is_signature(field: Field) -> bool:
    """Tell whether a field is for signatures."""
    return field.type == "/Sig"


def is_filled(field: Field) -> bool:
    """Tell whether a field has a value; of a signature field: whether it is signed."""
    value = look(field.dictionary, "/V")
    return value is not None and value != ""


def read_signer(field: Field) -> str:
    """Common name of who signed in a field; empty if it cannot be read."""
    try:
        content = cms.ContentInfo.load(bytes(field.dictionary["/V"].raw_get("/Contents")))["content"]
        signer = content["signer_infos"][0]["sid"].chosen
        for choice in content["certificates"]:
            if choice.chosen.serial_number == signer["serial_number"].native:
                return str(choice.chosen.subject.native.get("common_name", ""))
    except Exception:  # noqa: BLE001 - a signature of unknown origin; its signer's name is a courtesy
        return ""
    return ""


def read_locks(fields: Iterable[Field]) -> tuple[tuple[str, Lock], ...]:
    """What each signature that stands in the file forbids from then on, after its field's name."""
    return tuple(
        (field.name, lock)
        for field in fields
        if is_signature(field) and is_filled(field)
        for lock in _read_references(look(field.dictionary, "/V"))
    )


def read_lock(field: Field) -> Lock | None:
    """What a signature in this field is to lock; None if the form's author asks for nothing."""
    wanted = look(field.dictionary, "/Lock")
    return _read_lock(wanted, None) if isinstance(wanted, generic.DictionaryObject) else None


def _read_references(signature: Any) -> Iterator[Lock]:
    if not isinstance(signature, generic.DictionaryObject):
        return
    for reference in items(look(signature, "/Reference")):
        # ISO 32000-2, table 257: DocMDP without /P means 2.
        default = 2 if look(reference, "/TransformMethod") == "/DocMDP" else None
        yield _read_lock(look(reference, "/TransformParams", {}), default)


def _read_lock(parameters: Any, default: int | None) -> Lock:
    permission = look(parameters, "/P", default)
    return Lock(
        document=None if permission is None else int(permission),
        action=str(look(parameters, "/Action", "/"))[1:],
        fields=tuple(map(str, items(look(parameters, "/Fields")))),
    )

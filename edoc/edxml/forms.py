"""What of a package's form its values do not tell, so that the same bytes can be written again.

Rules: only what the reference library itself could have written is kept: texts and lists that stand empty,
numbers that are not there, ids and types that it carried on from another package, and its own `Signature`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from edoc.core.dispatch import (
    Attachment,
    Business,
    Dispatch,
    Form,
    Signature,
    SignedReference,
    StatusUpdate,
    TraceHeader,
)
from edoc.edxml.declaration import namespace_of
from edoc.edxml.dialects import Located
from edoc.edxml.elements import Element
from edoc.edxml.mapping import NAMESPACE, Kind, Part, list_parts, may_be_id

FRESH_TYPE: Final = "application/zip"
"""What the reference library calls everything in a manifest of its own."""
_PREFIX: Final = "edXML"
_USUAL: Final = {"steering_type": ("SteeringType",), "document_type.type": ("DocumentType", "Type")}
"""Numbers that are read as something even where their elements are not there."""


def read_form(
    elements: Sequence[Element], located: Located, attachments: Sequence[Attachment] | None
) -> Form | None:
    """Read the form of a package; None if its values tell all. A status has no attachments."""
    if located.copied is not None or located.message.prefix != _PREFIX:
        return None
    empty = list(_list_all_empty(located, attachments)) if _holds_bare(elements) else []
    if attachments is None:
        return Form(empty=tuple(empty)) if empty else None
    usual = [f"cid:{attachment.content_id}" for attachment in attachments]
    form = Form(
        empty=tuple(empty),
        missing=tuple(_list_missing(located.message)),
        content_ids=_list_ids(usual, located.attachments),
        reference_ids=_list_ids(usual, located.references),
        reference_types=_unless([FRESH_TYPE] * len(usual), located.references, "ContentType"),
    )
    return None if form == Form() else form


def _holds_bare(elements: Sequence[Element]) -> bool:
    """Tell whether anything stands empty, as in few packages; digests have attributes and do not count."""
    for element in elements:  # noqa: SIM110 - any() takes three times as long
        if not element.raw and not element.children and not element.attributes:
            return True
    return False


def _list_all_empty(located: Located, attachments: Sequence[Attachment] | None) -> Iterator[str]:
    yield from _list_empty(StatusUpdate if attachments is None else Dispatch, located.message, "")
    if located.trace is not None and attachments is not None:
        yield from _list_empty_trace(located.trace)


def _list_missing(message: Element) -> Iterator[str]:
    for key, path in _USUAL.items():
        found: Element | None = message
        for name in path:
            found = next((child for child in found.children if child.name == name), None) if found else None
        if found is None:
            yield key


def _list_ids(usual: list[str], elements: Sequence[Element]) -> tuple[str, ...]:
    """Ids as they are written, if the reference library could have written them."""
    found = _unless(usual, elements, "ContentId")
    return found if all(map(may_be_id, found)) else ()


def _unless(usual: list[str], elements: Sequence[Element], name: str) -> tuple[str, ...]:
    """Texts of all elements of that name, unless they are the usual ones."""
    found = [next((child.text for child in each.children if child.name == name), "") for each in elements]
    return () if found == usual or len(found) != len(usual) else tuple(found)


def _list_empty_trace(trace: Element) -> Iterator[str]:
    business = [child for child in trace.children if child.name == "Bussiness"]
    if business:
        yield from _list_empty(Business, business[-1], "business.")
    hops = [child for child in trace.children if child.name == "TraceHeader"]
    for place, hop in enumerate(hops):
        yield from _list_empty(TraceHeader, hop, f"trace_headers[{place}].")


def _list_empty(record: type, element: Element, where: str) -> Iterator[str]:
    """The keys of texts and lists that are there and empty."""
    for part in list_parts(record):
        found = [child for child in element.children if child.name == part.element]
        if not found:
            continue
        here = f"{where}{part.key}"
        if part.item:
            yield from _list_empty_items(part, found[0], here)
        elif part.many:
            for place, one in enumerate(found):
                yield from _list_empty(_record_of(part), one, f"{here}[{place}].")
        elif part.record is not None:
            yield from _list_empty(part.record, found[0], f"{here}.")
        elif part.kind is Kind.TEXT and _is_bare(found[0]):
            yield here


def _list_empty_items(part: Part, block: Element, here: str) -> Iterator[str]:
    items = [child for child in block.children if child.name == part.item]
    if not items:
        yield here
    for place, item in enumerate(items):
        if part.record is not None:
            yield from _list_empty(part.record, item, f"{here}[{place}].")
        elif _is_bare(item):
            yield f"{here}[{place}]"


def _record_of(part: Part) -> type:
    assert part.record is not None  # noqa: S101 - only lists of records have no element around them
    return part.record


def _is_bare(element: Element) -> bool:
    return not element.raw and not element.children and element.content is None


def read_placeholder(header: Element) -> Signature | None:
    """Read what the reference library writes for a signature; None if there is none in edXML's namespace."""
    found = next((child for child in header.children if child.name == "Signature"), None)
    if found is None or found.prefix or namespace_of(found) != NAMESPACE:
        return None
    signed = found.find("SignedInfo")
    data = _find_path(found, "KeyInfo", "X509Data")
    references = signed.find_all("Reference") if signed else []
    return Signature(
        canonicalization_method=_algorithm(signed, "CanonicalizationMethod"),
        signature_method=_algorithm(signed, "SignatureMethod"),
        references=tuple(map(_read_reference, references)),
        signature_value=found.find_text("SignatureValue"),
        subject_name=data.find_text("X509SubjectName") if data else "",
        certificate=data.find_text("X509Certificate") if data else "",
    )


def _read_reference(element: Element) -> SignedReference:
    block = element.find("Transforms")
    transforms = block.find_all("Transform") if block else []
    return SignedReference(
        uri=element.attributes.get("URI", ""),
        transforms=tuple(each.attributes.get("Algorithm", "") for each in transforms),
        digest_method=_algorithm(element, "DigestMethod"),
        digest_value=element.find_text("DigestValue"),
    )


def _algorithm(parent: Element | None, name: str) -> str:
    found = parent.find(name) if parent else None
    return "" if found is None else found.attributes.get("Algorithm", "")


def _find_path(element: Element | None, *names: str) -> Element | None:
    for name in names:
        element = None if element is None else element.find(name)
    return element

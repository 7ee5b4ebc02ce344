"""The headers of dispatches and statuses as elements, in the order of the reference library."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

from edoc.core.dispatch import (
    Business,
    Dispatch,
    Form,
    Signature,
    SignedReference,
    StatusUpdate,
    TraceHeaderList,
)
from edoc.core.ids import wire_date
from edoc.core.records import in_vietnam
from edoc.edxml.mapping import Part, list_parts
from edoc.edxml.markup import Node, text_node

_AS_VALUES_SAY: Final = Form()


def list_header(message: Dispatch | StatusUpdate) -> Iterator[tuple[Node, str]]:
    """Give what stands in the `edXMLHeader`, each with its prefix."""
    form = _Form(message.form or _AS_VALUES_SAY)
    yield Node("MessageHeader", form.spell(message)), "edXML:"
    if isinstance(message, Dispatch):
        for trace in form.spell_trace(message):
            yield trace, "edXML:"
    if message.signature is not None:
        yield _spell_signature(message.signature), ""


class _Form:
    """Values as elements, written as their form says."""

    def __init__(self, form: Form) -> None:
        self._empty = frozenset(form.empty)
        self._missing = frozenset(form.missing)

    def spell(self, record: object, where: str = "") -> tuple[Node, ...]:
        """Give the elements of a record; `where` is put before its keys."""
        found: list[Node] = []
        for part in list_parts(type(record)):
            value, here = getattr(record, part.field), f"{where}{part.key}"
            if part.item:
                found += self._spell_list(part, value, here)
            elif part.many:
                found += (Node(part.element, self.spell(one, f"{here}[{n}].")) for n, one in enumerate(value))
            elif part.record is None:
                found += self._spell_plain(part.element, _spell(value), here)
            elif value is not None:
                found.append(Node(part.element, self.spell(value, f"{here}.")))
        return tuple(found)

    def _spell_plain(self, name: str, text: str, where: str) -> tuple[Node, ...]:
        """Give the element of a text; a text that is empty, or a negative number, has none."""
        wanted = where not in self._missing if text else where in self._empty
        return (Node(name, text),) if wanted else ()

    def _spell_list(self, part: Part, values: tuple[Any, ...], where: str) -> Iterator[Node]:
        if not values and where not in self._empty and f"{where}[0]" not in self._empty:
            return
        if part.record is not None:
            items = [Node(part.item, self.spell(one, f"{where}[{n}].")) for n, one in enumerate(values)]
        else:
            items = [Node(part.item, text) for text in values if text]
            for place in range(len(items) + len(self._empty)):
                if f"{where}[{place}]" in self._empty:
                    items.insert(place, Node(part.item))
        yield Node(part.element, tuple(items))

    def spell_trace(self, dispatch: Dispatch) -> Iterator[Node]:
        """Give the list of hops, and what the dispatch does to earlier ones."""
        listed = dispatch.trace_header_list
        business: tuple[Business, ...] = () if dispatch.business is None else (dispatch.business,)
        content = (
            *(Node("Bussiness", self.spell(one, "business.")) for one in business),
            *(
                Node("TraceHeader", self.spell(hop, f"trace_headers[{n}]."))
                for n, hop in enumerate(dispatch.trace_headers)
            ),
        )
        if content or listed is not None:
            listed = listed or TraceHeaderList()
            attributes = (("id", listed.id), ("version", listed.version))
            yield Node("TraceHeaderList", content, tuple(pair for pair in attributes if pair[1]))


def _spell_signature(signature: Signature) -> Node:
    signed = (
        *_spell_algorithm("CanonicalizationMethod", signature.canonicalization_method),
        *_spell_algorithm("SignatureMethod", signature.signature_method),
        *map(_spell_reference, signature.references),
    )
    data = (
        *text_node("X509SubjectName", signature.subject_name),
        *text_node("X509Certificate", signature.certificate),
    )
    content = (
        Node("SignedInfo", signed),
        *text_node("SignatureValue", signature.signature_value),
        *((Node("KeyInfo", (Node("X509Data", data),)),) if data else ()),
    )
    return Node("Signature", content)


def _spell_reference(reference: SignedReference) -> Node:
    transforms = tuple(node for name in reference.transforms for node in _spell_algorithm("Transform", name))
    content = (
        *((Node("Transforms", transforms),) if transforms else ()),
        *_spell_algorithm("DigestMethod", reference.digest_method),
        *text_node("DigestValue", reference.digest_value),
    )
    return Node("Reference", content, (("URI", reference.uri),))


def _spell_algorithm(name: str, address: str) -> tuple[Node, ...]:
    return (Node(name, (), (("Algorithm", address),)),) if address else ()


def _spell(value: object) -> str:
    """Write a value as the wire has it, times unshifted in Vietnam's zone; empty if it makes no element."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if value >= 0 else ""
    if isinstance(value, datetime):
        local = in_vietnam(value)
        return f"{wire_date(local)} {local:%H:%M:%S}"
    return wire_date(value) if isinstance(value, date) else ""

"""Find and check the XML signatures of a package (XMLDSig 1.1, XAdES); trust is judged elsewhere.

    found = read_signatures(stream, scanned, read_stamp=read_token)

Rules: a signature is judged by the very parser that reads the package, so it cannot cover one thing and the
reader take another; it covers the whole package, or what it leaves out is named; a signature that breaks a
rule of form is told with its fault and never holds. What the reference library writes, a `Signature` in
edXML's own namespace that nobody ever computed, is none.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Final

from edoc.core.evidence import Fault, SignatureFacts, TimestampFacts
from edoc.core.verdicts import Coverage, Level, SignatureType
from edoc.edxml.algorithms import Unsupported, check_signature, find_weakest, load_key
from edoc.edxml.canonical import Target, Uncanonical, canonicalise
from edoc.edxml.coverage import Layout, lay_out, list_unsigned
from edoc.edxml.declaration import (
    Declaration,
    Reference,
    Rejected,
    is_dsig,
    namespace_of,
    read_declaration,
    walk,
)
from edoc.edxml.elements import Element
from edoc.edxml.properties import (
    Properties,
    Stamp,
    find_named,
    names_certificate,
    read_properties,
    read_time,
)
from edoc.edxml.scanner import Scanned

ReadStamp = Callable[[bytes, bytes], TimestampFacts]
"""Reads a time-stamp token (DER) on some bytes; whatever is wrong with it is told in the facts."""

MAX_SIGNATURES: Final = 16
_MAX_TARGETS: Final = 64
"""Things to canonicalise, of all signatures together."""
_GROWTH: Final = 8
_FREE: Final = 16 << 20
"""All canonical forms together may have eight times the size of the package, and 16 MiB."""
_IDS: Final = frozenset({"Id", "ID", "id"})
_FOREIGN: Final = frozenset({"Signature", "DigitalSignature"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """The signatures of a package, and what else was found that looks like one."""

    signatures: tuple[SignatureFacts, ...] = ()
    faults: tuple[Fault, ...] = ()


def read_signatures(source: BinaryIO, scanned: Scanned, *, read_stamp: ReadStamp) -> Signatures:
    """Find and check the signatures of a package that was scanned, and now stands at its beginning again.

    Nothing is raised over what the package holds; `OSError` if it cannot be read again.
    """
    elements = list(_list_signatures(scanned.root))
    faults = tuple(_list_foreign(scanned.root))
    if not elements:
        return Signatures(faults=faults)
    package = _Package(scanned)
    cases = [_Case(element, number, package) for number, element in enumerate(elements, start=1)]
    targets = [target for case in cases for target in case.prepare()]
    trouble = _digest(source, targets, scanned) if targets else ""
    facts = tuple(case.conclude(trouble, read_stamp) for case in cases)
    return Signatures(signatures=facts, faults=faults)


def _list_signatures(root: Element) -> Iterator[Element]:
    """Signatures in document order; not those inside others, which countersign."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if is_dsig(element, "Signature"):
            yield element
        else:
            waiting += reversed(element.children)


def _list_foreign(root: Element) -> Iterator[Fault]:
    """What is called a signature and is none: of another namespace, with something in it."""
    envelope = next((child for child in root.children if child.name == "edXMLEnvelope"), root)
    header = next((child for child in envelope.children if child.name == "edXMLHeader"), envelope)
    for element in header.children if header is root else (*header.children, *root.children):
        if element.name not in _FOREIGN or not (element.children or element.text):
            continue
        if not any(is_dsig(each, "Signature") for each in (element, *walk(element))):
            yield Fault(code="XML_SIGNATURE_FOREIGN", detail=namespace_of(element)[:100])


def _digest(source: BinaryIO, targets: list[Target], scanned: Scanned) -> str:
    """Canonicalise everything; what went wrong, or an empty text."""
    try:
        sha256 = canonicalise(source, targets, most=_GROWTH * scanned.size + _FREE)
    except Uncanonical as error:
        return str(error)
    return "" if sha256 == scanned.sha256 else "the package was changed while it was read"


class _Package:
    """What all signatures of a package share."""

    def __init__(self, scanned: Scanned) -> None:
        self.root = scanned.root
        self.size = scanned.size
        self.layout: Layout = lay_out(scanned.root)
        self.targets_left = _MAX_TARGETS
        self._ids: dict[str, list[Element]] = {}
        for element in (scanned.root, *walk(scanned.root)):
            for name, value in element.attributes.items():
                if name.rpartition(":")[2] in _IDS:
                    self._ids.setdefault(value, []).append(element)

    def find(self, name: str) -> Element:
        """The one element that has this Id. Raises `Rejected`."""
        found = self._ids.get(name, [])
        if len(found) != 1:
            raise Rejected("XML_REFERENCE_AMBIGUOUS", f"#{name}: {len(found)}")
        return found[0]


@dataclass(slots=True)
class _Signed:
    """One reference, with what it points to."""

    reference: Reference
    element: Element
    whole: bool
    digest: Any


@dataclass(slots=True)
class _Case:
    """One signature on its way to its facts."""

    element: Element
    number: int
    package: _Package
    declaration: Declaration | None = None
    properties: Properties | None = None
    signed: list[_Signed] = field(default_factory=list)
    info: bytearray = field(default_factory=bytearray)
    """`SignedInfo`, canonicalised."""
    stamped: list[tuple[Stamp, bytearray]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    rejected: bool = False

    def prepare(self) -> list[Target]:
        """Take the signature apart; what is to be canonicalised for it."""
        try:
            return self._read()
        except Rejected as rejected:
            self.rejected = True
            self.faults.append(Fault(code=rejected.code, detail=rejected.detail))
            return []

    def _read(self) -> list[Target]:
        if self.number > MAX_SIGNATURES:
            raise Rejected("XML_SIGNATURE_FORBIDDEN", f"there are more than {MAX_SIGNATURES} signatures")
        self.declaration = read_declaration(self.element)
        self.properties = read_properties(self.declaration)
        self.signed = [self._resolve(each) for each in self.declaration.references]
        targets = list(self._aim(self.declaration))
        self.package.targets_left -= len(targets)
        if self.package.targets_left < 0:
            raise Rejected("XML_SIGNATURE_FORBIDDEN", f"more than {_MAX_TARGETS} things are signed")
        return targets

    def _resolve(self, reference: Reference) -> _Signed:
        element = self.package.find(reference.name) if reference.name else self.package.root
        inside = self._stands_in(element, self.element)
        if inside:
            self._check_own(element)
        elif reference.enveloped is not self._stands_in(self.element, element):
            raise Rejected("XML_SIGNATURE_FORBIDDEN", "the signature and what it signs do not fit together")
        elif element.place not in self.package.layout.readable:
            raise Rejected("XML_SIGNED_ELSEWHERE", element.path)
        if inside and reference.enveloped:
            raise Rejected("XML_SIGNATURE_FORBIDDEN", "a part of the signature as if it held the signature")
        return _Signed(reference, element, not reference.name, hashlib.new(reference.digest))

    def _check_own(self, element: Element) -> None:
        """Of itself a signature may sign who signed, and nothing else."""
        named = self.properties.signed if self.properties else None
        if element is not named and not (is_dsig(element, "KeyInfo") and element.parent is self.element):
            raise Rejected("XML_SIGNATURE_FORBIDDEN", f"it signs {element.name} inside itself")

    @staticmethod
    def _stands_in(element: Element, other: Element) -> bool:
        above: Element | None = element
        while above is not None and above is not other:
            above = above.parent
        return above is other

    def _aim(self, declaration: Declaration) -> Iterator[Target]:
        yield Target(method=declaration.method, write=self.info.extend, apex=declaration.info.place)
        for signed in self.signed:
            yield Target(
                method=signed.reference.method,
                write=signed.digest.update,
                apex=None if signed.whole else signed.element.place,
                omit=self.element.place if signed.reference.enveloped else None,
            )
        place = declaration.value_element.place
        for stamp in self.properties.stamps if self.properties else ():
            self.stamped.append((stamp, bytearray()))
            yield Target(method=stamp.method, write=self.stamped[-1][1].extend, apex=place)

    def conclude(self, trouble: str, read_stamp: ReadStamp) -> SignatureFacts:
        """All facts; `trouble` tells why nothing could be canonicalised."""
        if trouble and not self.rejected:
            self.rejected = True
            self.faults.append(Fault(code="XML_UNCANONICAL", detail=trouble))
        facts = SignatureFacts(
            field=self.element.attributes.get("Id") or f"Signature {self.number}",
            type=SignatureType.SIGNATURE,
            level=Level.XMLDSIG,
        )
        if self.declaration is not None:
            facts = self._describe(facts, self.declaration)
        if self.declaration is not None and not self.rejected:
            facts = self._check(facts, self.declaration)
            facts = replace(facts, timestamp=self._read_stamps(read_stamp))
        return replace(facts, faults=tuple(self.faults))

    def _describe(self, facts: SignatureFacts, declaration: Declaration) -> SignatureFacts:
        """What is known before anything is computed."""
        certificates, properties = declaration.certificates, self.properties
        digests = {declaration.scheme.digest, *(each.digest for each in declaration.references)}
        return replace(
            facts,
            digest_algorithm=find_weakest(digests),
            signature_algorithm=declaration.scheme.name,
            value=declaration.value,
            certificate=next(iter(certificates), None),
            others=(*certificates[1:], *(properties.certificates if properties else ())),
            crls=(*declaration.crls, *(properties.crls if properties else ())),
            ocsps=properties.ocsps if properties else (),
        )

    def _check(self, facts: SignatureFacts, declaration: Declaration) -> SignatureFacts:
        matches = all(each.digest.digest() == each.reference.value for each in self.signed)
        facts = self._check_signature(facts, declaration)
        properties = self._find_signed_properties()
        if properties is not None:
            facts = replace(facts, level=Level.XADES, claimed_time=read_time(properties))
        coverage = self._measure()
        end = self.package.size if coverage is Coverage.WHOLE_FILE else 0
        return replace(facts, digest_matches=matches, coverage=coverage, end=end)

    def _find_signed_properties(self) -> Element | None:
        """The signed properties, if they are signed."""
        named = self.properties.signed if self.properties else None
        if named is None or any(each.element is named for each in self.signed):
            return named
        self.faults.append(Fault(code="XML_PROPERTIES_UNSIGNED"))
        return None

    def _check_signature(self, facts: SignatureFacts, declaration: Declaration) -> SignatureFacts:
        """Look for the certificate whose key made the signature, first for the one that the signer named."""
        certificates = self._list_candidates(declaration)
        if not certificates:
            self.faults.append(Fault(code="NO_SIGNER_CERTIFICATE"))
            return facts
        tried = [(der, *self._try(der, declaration)) for der in certificates]
        held = [each for each in tried if each[1]]
        failed = [each for each in tried if each[1] is False]
        der, holds, bits, why = (held or failed or tried)[0]
        if holds is None:
            self.faults.append(Fault(code="ALGORITHM_UNSUPPORTED", detail=why))
        known = (*declaration.certificates, *facts.others)
        others = tuple(dict.fromkeys(other for other in known if other != der))
        return replace(facts, certificate=der, others=others, signature_holds=holds, key_bits=bits)

    def _list_candidates(self, declaration: Declaration) -> tuple[bytes, ...]:
        certificates = declaration.certificates
        properties = self.properties.signed if self.properties else None
        signed = any(each.element is properties for each in self.signed)
        if properties is None or not signed or not certificates or not names_certificate(properties):
            return certificates
        try:
            named = find_named(properties, certificates)
        except Rejected as rejected:
            self.faults.append(Fault(code=rejected.code, detail=rejected.detail))
            return certificates
        if named is None:
            self.faults.append(Fault(code="SIGNING_CERTIFICATE_MISMATCH", detail="XAdES SigningCertificate"))
        return certificates if named is None else (named,)

    def _try(self, der: bytes, declaration: Declaration) -> tuple[bool | None, int, str]:
        """Whether the signature holds under a certificate, the bits of its key, why it is not known."""
        try:
            key = load_key(der)
        except Unsupported as error:
            return None, 0, str(error)
        try:
            return check_signature(key, declaration.scheme, declaration.value, bytes(self.info)), key.bits, ""
        except Unsupported as error:
            return None, key.bits, str(error)

    def _measure(self) -> Coverage:
        """What is covered; what is not is told as a fault."""
        signed = frozenset(each.element.place for each in self.signed)
        missing = list_unsigned(self.package.root, self.package.layout, signed)
        if not missing:
            return Coverage.WHOLE_FILE
        self.faults.append(Fault(code="XML_COVERS_PART", detail=missing))
        return Coverage.PARTIAL

    def _read_stamps(self, read_stamp: ReadStamp) -> TimestampFacts | None:
        """The earliest sound time-stamp, else the first of any."""
        read = [read_stamp(stamp.token, bytes(stamped)) for stamp, stamped in self.stamped]
        sound = [(stamp.time, place) for place, stamp in enumerate(read) if stamp.intact and stamp.time]
        return read[min(sound)[1]] if sound else next(iter(read), None)

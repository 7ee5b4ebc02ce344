"""What an XML signature declares, taken apart strictly (XMLDSig 1.1, section 4) and not yet believed.

Rules: one grammar and nothing beside it: the only transforms are the enveloped signature and one
canonicalisation, references stay in the package, an HMAC is refused, and a signature holds nothing that
anybody could take for a part of the package. What breaks a rule raises `Rejected`.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from edoc.edxml.algorithms import (
    DIGESTS,
    DSIG,
    ENVELOPED,
    EXCLUSIVE,
    METHODS,
    MGF1,
    MORE,
    MORE_2007,
    MORE_2021,
    PSS,
    SCHEMES,
    Scheme,
    make_pss,
)
from edoc.edxml.canonical import Method
from edoc.edxml.elements import XML_SPACE, Element

XADES: Final = "http://uri.etsi.org/01903/"
"""What the namespaces of all versions of XAdES begin with."""
_KNOWN: Final = (DSIG, MORE, MORE_2007, MORE_2021, EXCLUSIVE, "http://www.w3.org/2009/xmldsig11#")
_KNOWN_STARTS: Final = (XADES, "http://docs.oasis-open.org/wss/")
_FRAGMENT: Final = re.compile(r"#([^\W\d][\w.\-]*)")
MAX_REFERENCES: Final = 32
_MAX_CERTIFICATES: Final = 32
_MAX_ELEMENTS: Final = 5_000


class Rejected(ValueError):  # noqa: N818 - reads as what it is
    """The signature breaks a rule: `code` of the message catalogue, and the detail in English."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One thing that is signed."""

    name: str
    """The Id that it refers to; empty for the whole document."""
    type: str
    enveloped: bool
    """The signature itself is left out."""
    method: Method
    digest: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One signature."""

    signature: Element
    info: Element
    """`SignedInfo`, which the cryptographic signature is over."""
    method: Method
    """How `SignedInfo` is canonicalised."""
    scheme: Scheme
    references: tuple[Reference, ...]
    value_element: Element
    value: bytes
    certificates: tuple[bytes, ...]
    """DER, in their order."""
    crls: tuple[bytes, ...]
    objects: tuple[Element, ...]


def namespace_of(element: Element) -> str:
    """The namespace of an element; empty if it has none or its prefix is not bound."""
    wanted = f"xmlns:{element.prefix}" if element.prefix else "xmlns"
    above: Element | None = element
    while above is not None:
        if wanted in above.attributes:
            return above.attributes[wanted]
        above = above.parent
    return ""


def is_dsig(element: Element, name: str) -> bool:
    """Tell whether an element is that one of XMLDSig."""
    return element.name == name and namespace_of(element) == DSIG


def walk(element: Element) -> Iterator[Element]:
    """Go through everything below an element, in document order."""
    waiting = list(reversed(element.children))
    while waiting:
        found = waiting.pop()
        yield found
        waiting += reversed(found.children)


def read_declaration(signature: Element) -> Declaration:
    """Take a `Signature` apart. Raises `Rejected`."""
    for count, inner in enumerate(walk(signature)):
        if count > _MAX_ELEMENTS:
            raise _malformed(signature, f"it holds more than {_MAX_ELEMENTS} elements")
        namespace = namespace_of(inner)
        if namespace not in _KNOWN and not namespace.startswith(_KNOWN_STARTS):
            raise Rejected("XML_SIGNATURE_FORBIDDEN", f"it holds the foreign element {inner.name}")
    info, value, *rest = _read_children(signature, "SignedInfo", "SignatureValue")
    key_info = rest.pop(0) if rest and is_dsig(rest[0], "KeyInfo") else None
    if not all(is_dsig(part, "Object") for part in rest):
        raise _malformed(signature, "its elements are not in order")
    method, algorithm, *references = _read_children(info, "CanonicalizationMethod", "SignatureMethod")
    if not references or len(references) > MAX_REFERENCES:
        raise _malformed(info, f"there are {len(references)} references")
    return Declaration(
        signature=signature,
        info=info,
        method=_read_method(method),
        scheme=_read_scheme(algorithm),
        references=tuple(_read_reference(reference) for reference in references),
        value_element=value,
        value=read_base64(value),
        certificates=_read_x509(key_info, "X509Certificate"),
        crls=_read_x509(key_info, "X509CRL"),
        objects=tuple(rest),
    )


def read_base64(element: Element) -> bytes:
    """The bytes of an element that has nothing but Base64. Raises `Rejected`."""
    if element.children:
        raise _malformed(element, "it holds elements")
    try:
        return b64decode("".join(element.raw.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _malformed(element, "it is not Base64") from None


def read_method(element: Element | None) -> Method:
    """The way to canonicalise that an element names; inclusive 1.0 if there is none. Raises `Rejected`."""
    return Method() if element is None else _read_method(element)


def read_digest(element: Element) -> str:
    """The digest that a `DigestMethod` names. Raises `Rejected`."""
    if not is_dsig(element, "DigestMethod") or element.children:
        raise _malformed(element, "it is no DigestMethod")
    address = element.attributes.get("Algorithm", "")
    if address not in DIGESTS:
        raise Rejected("ALGORITHM_UNSUPPORTED", f"digest {address[:100]}")
    return DIGESTS[address]


def _malformed(element: Element, what: str) -> Rejected:
    return Rejected("XML_SIGNATURE_MALFORMED", f"{element.name}, line {element.line}: {what}")


def _read_children(parent: Element, *names: str) -> list[Element]:
    """All children; the first must be those, and nothing may stand between them."""
    found = parent.children
    given = [child.name for child in found[: len(names)]]
    if given != list(names) or not all(is_dsig(child, child.name) for child in found[: len(names)]):
        raise _malformed(parent, f"it does not begin with {', '.join(names)}")
    if parent.raw.strip(XML_SPACE):
        raise _malformed(parent, "text stands between its elements")
    return list(found)


def _read_method(element: Element) -> Method:
    address = element.attributes.get("Algorithm", "")
    if address not in METHODS:
        raise Rejected("XML_SIGNATURE_FORBIDDEN", f"canonicalisation {address[:100]!r}")
    method = METHODS[address]
    if not element.children:
        return method
    listed = element.children[0]
    known = listed.name == "InclusiveNamespaces" and namespace_of(listed) == EXCLUSIVE
    if not (known and method.exclusive and len(element.children) == 1 and not listed.children):
        raise _malformed(element, "it has parameters that are not known")
    prefixes = listed.attributes.get("PrefixList", "").split()
    return replace(method, prefixes=frozenset("" if name == "#default" else name for name in prefixes))


def _read_scheme(element: Element) -> Scheme:
    address = element.attributes.get("Algorithm", "")
    if "hmac" in address.lower():
        raise Rejected("XML_SIGNATURE_FORBIDDEN", "an HMAC, which whoever checks it could have made")
    if address == PSS:
        return _read_pss(element)
    if address not in SCHEMES:
        raise Rejected("ALGORITHM_UNSUPPORTED", f"signature {address[:100]}")
    if element.children:
        raise _malformed(element, "it has parameters")
    return SCHEMES[address]


def _read_pss(element: Element) -> Scheme:
    """RFC 9231, 2.3.9; what is not given is SHA-256, and the digest's length for the salt."""
    parameters = element.children[0].children if element.children else []
    given = {parameter.name: parameter for parameter in parameters}
    known = {"DigestMethod", "MaskGenerationFunction", "SaltLength", "TrailerField"}
    if len(element.children) > 1 or len(given) != len(parameters) or not given.keys() <= known:
        raise _malformed(element, "it has parameters that are not known")
    digest = read_digest(given["DigestMethod"]) if "DigestMethod" in given else "sha256"
    mask = given.get("MaskGenerationFunction")
    mask_digest = digest
    if mask is not None:
        if mask.attributes.get("Algorithm") != MGF1 or len(mask.children) > 1:
            raise Rejected("ALGORITHM_UNSUPPORTED", "a mask function other than MGF1")
        mask_digest = read_digest(mask.children[0]) if mask.children else "sha256"
    salt = given["SaltLength"].text if "SaltLength" in given else None
    trailer = given["TrailerField"].text if "TrailerField" in given else "1"
    if trailer != "1" or not (salt is None or re.fullmatch("[0-9]{1,3}", salt)):
        raise _malformed(element, "its salt or trailer is impossible")
    return make_pss(digest, mask_digest, None if salt is None else int(salt))


def _read_reference(element: Element) -> Reference:
    if not is_dsig(element, "Reference"):
        raise _malformed(element, "it is no Reference")
    name = _read_address(element)
    transforms = _list_transforms(element)
    enveloped = bool(transforms) and transforms[0].attributes.get("Algorithm") == ENVELOPED
    if enveloped and transforms.pop(0).children:
        raise _malformed(element, "a transform has parameters")
    if len(transforms) > 1:
        raise Rejected("XML_SIGNATURE_FORBIDDEN", f"{len(transforms)} transforms in a row")
    method = read_method(transforms[0] if transforms else None)
    digest, value = element.children[-2:]
    if not is_dsig(value, "DigestValue"):
        raise _malformed(element, "it has no DigestValue")
    return Reference(
        name=name,
        type=element.attributes.get("Type", ""),
        enveloped=enveloped,
        # XMLDSig 1.1, 4.4.3.3: what an address within the document points to has no comments
        method=replace(method, comments=False),
        digest=read_digest(digest),
        value=read_base64(value),
    )


def _read_address(element: Element) -> str:
    """The Id that is referred to, empty for the whole document."""
    address = element.attributes.get("URI")
    if address is None:
        raise Rejected("XML_SIGNATURE_FORBIDDEN", "a reference that does not say to what")
    if not address:
        return ""
    found = _FRAGMENT.fullmatch(address)
    if found:
        return found[1]
    if address.startswith("#"):
        raise Rejected("XML_SIGNATURE_FORBIDDEN", f"the reference {address[:100]!r}")
    raise Rejected("XML_REFERENCE_EXTERNAL", address[:100])


def _list_transforms(element: Element) -> list[Element]:
    count = len(element.children)
    if element.raw.strip(XML_SPACE) or count not in {2, 3}:
        raise _malformed(element, "its elements are not those of a Reference")
    if count == 2:  # noqa: PLR2004 - a digest's method and value
        return []
    transforms = element.children[0]
    if not is_dsig(transforms, "Transforms") or not transforms.children:
        raise _malformed(element, "its elements are not those of a Reference")
    if not all(is_dsig(transform, "Transform") for transform in transforms.children):
        raise _malformed(transforms, "it holds something else than transforms")
    return list(transforms.children)


def _read_x509(key_info: Element | None, name: str) -> tuple[bytes, ...]:
    """Certificates or CRLs of `KeyInfo/X509Data`; a bare key proves nothing about who signed."""
    data = [part for part in key_info.children if is_dsig(part, "X509Data")] if key_info else []
    found = [part for parts in data for part in parts.children if is_dsig(part, name)]
    if len(found) > _MAX_CERTIFICATES:
        raise _malformed(found[0], f"there are {len(found)} of them")
    return tuple(read_base64(part) for part in found)

"""Signatures that belong elsewhere: other files', other revisions', other people's of the same name."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from asn1crypto import algos, cms, core

from .catalogue import Attack
from .drafts import draft
from .makers import SIGNER, Base
from .sealing import digest_of, drop, find_gaps, read_contents, sign_alike, write_contents


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    for name, change in _CMS.items():
        for way, spoil in _SPOILS.items():
            yield Attack("cms-swap", f"{name}, {way}", partial(_swap, change, spoil))


Spoil = Callable[[bytes], bytes]
"""Changes what was signed."""
Change = Callable[[Base, bytes], bytes | None]
"""Makes the CMS of a document that was changed: from the base and the changed document."""


def _alter_text(data: bytes) -> bytes:
    """Another amount on the page, byte for byte as long."""
    return data.replace(b"pay 100 dong", b"pay 900 dong", 1)


def _alter_field(data: bytes) -> bytes:
    return data.replace(b"/T (Amount)", b"/T (Amoumt)", 1)


_SPOILS: Final[dict[str, Spoil]] = {"text altered": _alter_text, "field altered": _alter_field}


def _swap(change: Change, spoil: Spoil, base: Base) -> bytes | None:
    data = spoil(base.data)
    content = change(base, data)
    return None if content is None or data == base.data else write_contents(data, content, 0)


def _load(base: Base) -> Any:
    return cms.ContentInfo.load(read_contents(base.data, 0))


def _keep(base: Base, data: bytes) -> bytes:
    del data
    return read_contents(base.data, 0)


def _of_another_file(base: Base, data: bytes) -> bytes:
    del data
    other = base.maker.base(base.kind, draft(packed=True))
    return read_contents(other.data, -1)


def _of_another_revision(base: Base, data: bytes) -> bytes | None:
    del data
    return read_contents(base.data, 1) if len(find_gaps(base.data)) > 1 else None


def _digest_replaced(base: Base, data: bytes) -> bytes:
    """The attribute says the new digest; its signature is the old one."""
    content = _load(base)
    (info,) = content["content"]["signer_infos"]
    for attribute in info["signed_attrs"]:
        if attribute["type"].native == "message_digest":
            attribute["values"] = [core.OctetString(digest_of(data, 0))]
    info["signed_attrs"] = cms.CMSAttributes(list(info["signed_attrs"]))
    return bytes(content.dump())


def _attributes_dropped(base: Base, data: bytes) -> bytes:
    del data
    content = _load(base)
    drop(content["content"]["signer_infos"][0], "signed_attrs")
    return bytes(content.dump())


def _no_signers(base: Base, data: bytes) -> bytes:
    del data
    content = _load(base)
    content["content"]["signer_infos"] = cms.SignerInfos([])
    return bytes(content.dump())


def _content_enclosed(base: Base, data: bytes) -> bytes | None:
    """The signed content itself stands in the CMS, and is what the digest fits."""
    del data
    start, end, last = find_gaps(base.data)[0]
    content = _load(base)
    inner = content["content"]["encap_content_info"]
    inner["content"] = core.OctetString((base.data[:start] + base.data[end:last])[:100])
    return bytes(content.dump())


def _by_lookalike(base: Base, data: bytes) -> bytes:
    """A certificate with every word of the signer's, which nobody issued."""
    return sign_alike(base.maker, SIGNER)(digest_of(data, 0))


def _certificate_replaced(base: Base, data: bytes) -> bytes:
    """A look-alike's signature beside the true certificate."""
    made = cms.ContentInfo.load(sign_alike(base.maker, SIGNER)(digest_of(data, 0)))
    made["content"]["certificates"] = _load(base)["content"]["certificates"]
    return bytes(made.dump())


def _true_certificate_too(base: Base, data: bytes) -> bytes:
    """The look-alike's certificate second, the true one first."""
    made = cms.ContentInfo.load(sign_alike(base.maker, SIGNER)(digest_of(data, 0)))
    known = list(_load(base)["content"]["certificates"] or [])
    made["content"]["certificates"] = cms.CertificateSet([*known, *made["content"]["certificates"]])
    return bytes(made.dump())


def _two_signers(base: Base, data: bytes) -> bytes:
    """The true signer's entry, which does not fit, and a look-alike's, which does."""
    made = cms.ContentInfo.load(sign_alike(base.maker, SIGNER)(digest_of(data, 0)))
    true = _load(base)["content"]
    infos = [*true["signer_infos"], *made["content"]["signer_infos"]]
    made["content"]["signer_infos"] = cms.SignerInfos(infos)
    known = list(true["certificates"] or [])
    made["content"]["certificates"] = cms.CertificateSet([*known, *made["content"]["certificates"]])
    return bytes(made.dump())


def _other_algorithm(name: str, base: Base, data: bytes) -> bytes:
    """The digest is said to be of another kind."""
    del data
    content = _load(base)
    (info,) = content["content"]["signer_infos"]
    info["digest_algorithm"] = algos.DigestAlgorithm({"algorithm": name})
    content["content"]["digest_algorithms"] = cms.DigestAlgorithms([info["digest_algorithm"]])
    return bytes(content.dump())


def _unsigned_digest(base: Base, data: bytes) -> bytes:
    """The right digest as an attribute that nobody signed."""
    content = _load(base)
    (info,) = content["content"]["signer_infos"]
    attribute = cms.CMSAttribute({"type": "message_digest", "values": [digest_of(data, 0)]})
    info["unsigned_attrs"] = cms.CMSAttributes([attribute])
    return bytes(content.dump())


def _two_digests(base: Base, data: bytes) -> bytes:
    content = _load(base)
    (info,) = content["content"]["signer_infos"]
    attribute = cms.CMSAttribute({"type": "message_digest", "values": [digest_of(data, 0)]})
    info["signed_attrs"] = cms.CMSAttributes([attribute, *info["signed_attrs"]])
    return bytes(content.dump())


_CMS: Final[dict[str, Change]] = {
    "its own": _keep,
    "another file's": _of_another_file,
    "another revision's": _of_another_revision,
    "digest replaced": _digest_replaced,
    "two digests": _two_digests,
    "digest that nobody signed": _unsigned_digest,
    "no attributes": _attributes_dropped,
    "no signers": _no_signers,
    "content enclosed": _content_enclosed,
    "a look-alike's": _by_lookalike,
    "a look-alike's beside the true certificate": _certificate_replaced,
    "a look-alike's after the true certificate": _true_certificate_too,
    "two signers": _two_signers,
    "said to be SHA-512": partial(_other_algorithm, "sha512"),
    "said to be MD5": partial(_other_algorithm, "md5"),
}

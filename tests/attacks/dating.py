"""Proofs of a time that was not: time-stamps forged, moved, or true ones of something else.

Here a signature that still stands is no success of the attacker; a proven time before its birth is.
"""

import datetime as dt
import hashlib
import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from asn1crypto import cms, core, tsp
from pikepdf import Array, Dictionary, Name, String

from edoc import signing

from .catalogue import FORGED_STAMP, Attack, Forge
from .drafts import draft
from .increments import Update, append
from .makers import OTHER_SIGNER, Base, Maker, write
from .sealing import (
    Signer,
    add_signature,
    digest_of,
    drop,
    fill_hole,
    keep_own_certificate,
    new_field,
    read_contents,
    sign_by,
    stamp_alike,
    stamp_as_person,
    stamp_truly,
    write_contents,
)

_NOWHERE: Final = (0.0, 0.0, 0.0, 0.0)
_CONTENT_STAMP: Final = "1.2.840.113549.1.9.16.2.20"
_ARCHIVE_STAMPS: Final = ("1.2.840.113549.1.9.16.2.48", "0.4.0.1733.2.4")

Stampers = Callable[[Maker, dt.datetime], Signer]


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    for name, forge in _FORGERIES.items():
        yield Attack("time", name, forge, on_time=True)


def _past(base: Base) -> dt.datetime:
    return base.maker.born - dt.timedelta(days=1)


def _imprint(base: Base) -> bytes:
    """What a time-stamp of the oldest signature stamps."""
    (info,) = cms.ContentInfo.load(read_contents(base.data, 0))["content"]["signer_infos"]
    return hashlib.sha256(info["signature"].native).digest()


def _other_imprint(base: Base) -> bytes:
    return hashlib.sha256(base.data[:100]).digest()


def _digest(base: Base) -> bytes:
    return digest_of(base.data, 0)


def _attach(
    stampers: Stampers,
    imprint: Callable[[Base], bytes],
    base: Base,
    *,
    kind: str = "signature_time_stamp_token",
    first: bool = False,
    alone: bool = False,
    change: Callable[[bytes], bytes] = lambda token: token,
) -> bytes | None:
    """Put a time-stamp into the oldest CMS, where nothing is signed."""
    token = change(stampers(base.maker, _past(base))(imprint(base)))
    content = cms.ContentInfo.load(read_contents(base.data, 0))
    keep_own_certificate(content)
    (info,) = content["content"]["signer_infos"]
    loaded = cms.ContentInfo.load(token)
    made = cms.CMSAttribute({"type": kind, "values": [loaded]})
    known = [] if alone or isinstance(info["unsigned_attrs"], core.Void) else list(info["unsigned_attrs"])
    info["unsigned_attrs"] = cms.CMSAttributes([made, *known] if first else [*known, made])
    return write_contents(base.data, bytes(content.dump()), 0)


def attach(stampers: Stampers, base: Base) -> bytes | None:
    """Put a time-stamp of the oldest signature, given in the past, where it belongs."""
    return _attach(stampers, _imprint, base)


def _edit_time(token: bytes) -> bytes:
    """Another time in a token, and its signature as it was."""
    content = cms.ContentInfo.load(token)
    inner = content["content"]["encap_content_info"]["content"].parsed
    inner["gen_time"] = inner["gen_time"].native - dt.timedelta(hours=5)
    content["content"]["encap_content_info"]["content"] = core.ParsableOctetString(inner.dump())
    return bytes(content.dump())


def _drop_signers(token: bytes) -> bytes:
    content = cms.ContentInfo.load(token)
    content["content"]["signer_infos"] = cms.SignerInfos([])
    return bytes(content.dump())


def _drop_attributes(token: bytes) -> bytes:
    content = cms.ContentInfo.load(token)
    drop(content["content"]["signer_infos"][0], "signed_attrs")
    return bytes(content.dump())


def _drop_certificates(token: bytes) -> bytes:
    content = cms.ContentInfo.load(token)
    drop(content["content"], "certificates")
    return bytes(content.dump())


def _retarget(base: Base, token: bytes) -> bytes:
    """Another imprint in a true token."""
    content = cms.ContentInfo.load(token)
    inner = content["content"]["encap_content_info"]["content"].parsed
    inner["message_imprint"] = tsp.MessageImprint(
        {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": _imprint(base)}
    )
    content["content"]["encap_content_info"]["content"] = core.ParsableOctetString(inner.dump())
    return bytes(content.dump())


def _attach_retargeted(base: Base) -> bytes | None:
    return _attach(stamp_truly, _other_imprint, base, change=partial(_retarget, base))


def _stamp_document(
    stampers: Stampers,
    base: Base,
    *,
    over: Callable[[bytes, Base], bytes] = lambda digest, _: digest,
    subfilter: str = "ETSI.RFC3161",
    change: Callable[[bytes], bytes] = lambda token: token,
    box: tuple[float, ...] = _NOWHERE,
) -> bytes:
    """Add a document time-stamp."""
    stamp = stampers(base.maker, _past(base))
    update = Update(base.data)
    add_signature(update, new_field(update, FORGED_STAMP, box), subfilter=subfilter)
    return fill_hole(update.render("table"), lambda digest: change(stamp(over(digest, base))))


def _of_other(digest: bytes, base: Base) -> bytes:
    del digest
    return _other_imprint(base)


def _of_signature(digest: bytes, base: Base) -> bytes:
    del digest
    return _imprint(base)


def _stamp_before(base: Base) -> bytes:
    """A true time-stamp of the past on the unsigned document: it proves nothing about who signs later."""
    maker = base.maker
    unsigned = Base(base.kind, maker.prepare(draft()), frozenset(), maker)
    stamp = stamp_truly(maker, _past(base))
    update = Update(unsigned.data)
    add_signature(update, new_field(update, "Before", _NOWHERE), subfilter="ETSI.RFC3161")
    stamped = fill_hole(update.render("table"), stamp)
    if base.permission is None:
        return maker.sign(stamped, field="Person")
    return maker.certify(stamped, "Certifier", None)


def _stamp_part(base: Base) -> bytes:
    """A true time-stamp of the past over the unsigned beginning of the file only."""
    stamp = stamp_truly(base.maker, _past(base))
    first = base.data.index(b"%%EOF") + 6
    second = base.data.index(b"%%EOF", first) + 6
    token = stamp(hashlib.sha256(base.data[:second]).digest())
    update = Update(base.data)
    field = new_field(update, FORGED_STAMP, _NOWHERE)
    value = Dictionary(Type=Name.DocTimeStamp, Filter=Name("/Adobe.PPKLite"), SubFilter=Name("/ETSI.RFC3161"))
    value.ByteRange = Array([0, first, first, second - first])
    value.Contents = String(token)
    field.V = update.add(value)
    update.put(field)
    return update.render("table")


def _add_store(entries: Callable[[Update, bytes], Any], base: Base) -> bytes:
    """A true time-stamp of the past on something else, in the validation store."""
    token = stamp_truly(base.maker, _past(base))(_other_imprint(base))
    update = Update(base.data)
    key = hashlib.sha1(read_contents(base.data, 0), usedforsecurity=False).hexdigest().upper()
    related = update.add(entries(update, token))
    store = update.root.get("/DSS", Dictionary())
    store.VRI = Dictionary({f"/{key}": related})
    update.root.DSS = store
    update.put(update.root)
    if store.is_indirect:
        update.put(store)
    return update.render("table")


def _stamp_in_store(update: Update, token: bytes) -> Any:
    return Dictionary(TS=update.stream(token))


def _date_in_store(update: Update, token: bytes) -> Any:
    del update, token
    return Dictionary(TU=String("D:20200101000000Z"))


def _claim(base: Base) -> bytes:
    """A second signature by somebody trusted who claims the past, with a forged time-stamp inside."""
    maker = base.maker
    update = Update(base.data)
    add_signature(update, new_field(update, "Second", _NOWHERE))
    signer = sign_by(maker, OTHER_SIGNER)
    past = _past(base)

    def sign(digest: bytes) -> bytes:
        content = cms.ContentInfo.load(signer(digest))
        (info,) = content["content"]["signer_infos"]
        value = hashlib.sha256(info["signature"].native).digest()
        token = cms.ContentInfo.load(stamp_alike(maker, past)(value))
        stamped = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})
        info["unsigned_attrs"] = cms.CMSAttributes([stamped])
        return bytes(content.dump())

    return fill_hole(update.render("table"), sign)


def _copy_stamp(base: Base) -> bytes:
    """The document time-stamp of the past of another file."""
    other = _stamp_document(
        stamp_truly, Base(base.kind, base.maker.base("B-B", draft(packed=True)).data, base.fields, base.maker)
    )
    token = read_contents(other, -1)
    update = Update(base.data)
    add_signature(update, new_field(update, FORGED_STAMP, _NOWHERE), subfilter="ETSI.RFC3161")
    return fill_hole(update.render("table"), lambda _: token)


def _redate(base: Base) -> bytes | None:
    """The claimed time in the dictionary, by an update that writes the signature again."""
    update = Update(base.data)
    field = next(each for each in update.fields if Name.Sig == each.FT and "/V" in each)
    number = field.V.objgen[0]
    at = base.data.index(b"%d 0 obj" % number)
    body = base.data[at : base.data.index(b"endobj", at)].split(b"obj", 1)[1].strip()
    return append(base.data, {(number, 0): body.replace(b"(D:20", b"(D:19", 1)})


def _sign_after_claim(base: Base) -> bytes:
    """Signed again with a claimed time in the past, stamped by a look-alike."""
    maker = base.maker
    signed = write(
        lambda out: signing.sign(
            io.BytesIO(maker.prepare(draft())),
            out,
            key=maker.key(OTHER_SIGNER),
            role="person",
            checks="none",
            at=_past(base),
        )
    )
    return _stamp_document(stamp_alike, Base(base.kind, signed, base.fields, maker))


_FORGERIES: Final[dict[str, Forge]] = {
    "by a look-alike": partial(_attach, stamp_alike, _imprint),
    "by a look-alike, first": partial(_attach, stamp_alike, _imprint, first=True),
    "by a look-alike, alone": partial(_attach, stamp_alike, _imprint, alone=True),
    "by a person": partial(_attach, stamp_as_person, _imprint),
    "by a person, alone": partial(_attach, stamp_as_person, _imprint, alone=True),
    "of something else": partial(_attach, stamp_truly, _other_imprint),
    "of something else, first": partial(_attach, stamp_truly, _other_imprint, first=True),
    "of something else, alone": partial(_attach, stamp_truly, _other_imprint, alone=True),
    "of the document's digest": partial(_attach, stamp_truly, _digest),
    "of the document's digest, alone": partial(_attach, stamp_truly, _digest, alone=True),
    "retargeted": _attach_retargeted,
    "time edited": partial(_attach, stamp_truly, _imprint, change=_edit_time),
    "time edited, alone": partial(_attach, stamp_truly, _imprint, change=_edit_time, alone=True),
    "no signers": partial(_attach, stamp_truly, _imprint, change=_drop_signers),
    "no signers, by a look-alike": partial(_attach, stamp_alike, _imprint, change=_drop_signers),
    "no attributes": partial(_attach, stamp_alike, _imprint, change=_drop_attributes),
    "no certificates": partial(_attach, stamp_alike, _imprint, change=_drop_certificates),
    "as a content stamp": partial(_attach, stamp_truly, _digest, kind=_CONTENT_STAMP),
    "as an archive stamp": partial(_attach, stamp_truly, _imprint, kind=_ARCHIVE_STAMPS[0]),
    "as another archive stamp": partial(_attach, stamp_truly, _imprint, kind=_ARCHIVE_STAMPS[1]),
    "document stamped by a look-alike": partial(_stamp_document, stamp_alike),
    "document stamped by a person": partial(_stamp_document, stamp_as_person),
    "document stamp of something else": partial(_stamp_document, stamp_truly, over=_of_other),
    "document stamp of the signature": partial(_stamp_document, stamp_truly, over=_of_signature),
    "document stamp, time edited": partial(_stamp_document, stamp_truly, change=_edit_time),
    "document stamp called a signature": partial(
        _stamp_document, stamp_alike, subfilter="ETSI.CAdES.detached"
    ),
    "document stamp that is seen": partial(_stamp_document, stamp_alike, box=(70, 600, 400, 760)),
    "document stamp without certificates": partial(_stamp_document, stamp_alike, change=_drop_certificates),
    "document stamp of another file": _copy_stamp,
    "document stamped before": _stamp_before,
    "document stamped in part": _stamp_part,
    "stamp in the store": partial(_add_store, _stamp_in_store),
    "date in the store": partial(_add_store, _date_in_store),
    "second signature in the past": _claim,
    "signed in the past, it says": _sign_after_claim,
    "date written again": _redate,
}

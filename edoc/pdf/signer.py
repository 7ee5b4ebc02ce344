"""Put a signature into a PDF as PAdES wants it (ETSI EN 319 142-1, 5.3), in one incremental update.

    draft = _draw_up(revision, order, growing)         the update, with a hole for the CMS
    draft.digest                                      of everything but the hole
    growing.append(draft.fill(cms))

Rules: the sub-filter is ETSI.CAdES.detached; the claimed time is the one that is given; what earlier
signatures lock is respected.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from edoc.core.evidence import Lock
from edoc.core.ports import Holder, SigningKey
from edoc.errors import InputError, Refused
from edoc.pdf import appearance, fields
from edoc.pdf.appearance import Look
from edoc.pdf.cades import Identity, signed_attributes, signed_data
from edoc.pdf.document import Document, guarded
from edoc.pdf.fieldlist import Field
from edoc.pdf.files import Growing
from edoc.pdf.forms import find_field, is_filled, is_signature, read_lock, read_locks
from edoc.pdf.layout import Place
from edoc.pdf.objects import Value, convert, dictionary, items, look, text
from edoc.pdf.syntax import Raw, write_object
from edoc.pdf.update import Revision

_BASE_BYTES: Final = 2048
"""Room for the attributes, the signature value and the framing of a CMS object."""
TOKEN_BYTES: Final = 12 << 10
"""Room for a time-stamp token with its certificates."""
_RANGE_BYTES: Final = 60
"""Room for the byte range, which is known last."""
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be signed where."""

    at: datetime
    """The claimed signing time, with its offset."""
    field: str
    """An existing empty field, or the name of the one to make."""
    place: Place | None = None
    """Where the new field stands; None for an invisible one. Only for a field that does not exist."""
    lock: Lock | None = None
    """What the new field locks. Only for a field that does not exist."""
    look: Look | None = None
    """What the field shows."""
    digest: str = "sha256"
    texts: Mapping[str, str] | None = None
    """Text fields that are filled with the signature, in the same update: name → value."""


@dataclass(frozen=True, slots=True)
class Stamper:
    """Who gives time-stamps."""

    get: Callable[[bytes], bytes]
    """Gets a token (DER) for a digest."""
    digest: str = "sha256"
    """What the digest is made with."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An update that lacks only the signature itself."""

    tail: bytes
    """To append to the file."""
    hole: int
    """Where in the tail the hexadecimal digits of the signature begin."""
    room: int
    """How many bytes the signature may have."""
    digest: bytes
    """Of the whole file but the hole."""

    def fits(self, content: bytes) -> bool:
        """Tell whether the hole has room for a signature."""
        return len(content) <= self.room

    def fill(self, content: bytes) -> bytes:
        """Give the tail with the signature in its hole. Raises `InputError` if it is too long."""
        if not self.fits(content):
            raise InputError(f"the signature has {len(content)} bytes; there is room for {self.room}.")
        digits = content.hex().encode()
        return self.tail[: self.hole] + digits + self.tail[self.hole + len(digits) :]


def choose_field(document: Document, names: tuple[str, ...]) -> str | None:
    """Give the first of the named signature fields that is there and empty."""
    empty = {field.name for field in document.fields if is_signature(field) and not is_filled(field)}
    return next((name for name in names if name in empty), None)


def invent_name(document: Document, stem: str) -> str:
    """Give a field name that the document does not use yet."""
    taken = {field.name for field in document.fields}
    number = 1
    while (name := f"{stem}{number}") in taken:
        number += 1
    return name


def sign_onto(
    growing: Growing, document: Document, order: Order, key: SigningKey, *, stamp: Stamper | None = None
) -> None:
    """Append a signature to `growing`, which holds the document; with `stamp` its level is B-T.

    `require_signable` has been asked before. Raises `Unavailable` if there is no time-stamp, and what the key
    raises; then nothing was appended.
    """
    identity = Identity.of(key.certificate, key.chain, key.scheme)
    revision, signature = _draft(document, order)
    room = _reserve(key, timestamp=stamp is not None)
    for _ in range(_ATTEMPTS):
        draft = _draw_up(revision, signature, growing, room=room, digest=order.digest)
        attributes = signed_attributes(identity, order.digest, draft.digest)
        value = key.sign(attributes, digest=order.digest)
        token = None if stamp is None else stamp.get(hash_value(stamp.digest, value))
        content = signed_data(identity, order.digest, attributes, value, token=token)
        if draft.fits(content):
            break
        room = len(content) + _BASE_BYTES
    growing.append(draft.fill(content))


def begin(growing: Growing, document: Document, order: Order, holder: Holder, *, timestamp: bool) -> Draft:
    """Draw a signature up whose value comes later; with `timestamp` there is room for a token."""
    revision, signature = _draft(document, order)
    room = _reserve(holder, timestamp=timestamp)
    return _draw_up(revision, signature, growing, room=room, digest=order.digest)


def _draft(document: Document, order: Order) -> tuple[Revision, "_Signature"]:
    revision = document.extend(f"sign {order.field} {order.at.isoformat()}")
    fields.write_texts(revision, order.texts or {})
    return revision, _add_signature_value(revision, document, order)


def hash_value(digest: str, value: bytes) -> bytes:
    """Digest a signature's value, which is what its time-stamp stamps."""
    return hashlib.new(digest, value).digest()


def stamp_onto(growing: Growing, document: Document, name: str, *, stamp: Stamper) -> None:
    """Append a document time-stamp (ETSI EN 319 142-1, 5.4.3) in a new invisible field.

    `growing` holds the document. Raises `Refused` where nothing can be added, `Unavailable` if the TSA fails.
    """
    revision = document.extend(f"stamp {name}")
    fields.add_timestamp(revision, name)
    target = _require_field(revision, name)
    signature = _Signature(revision, b"/Type /DocTimeStamp\n/SubFilter /ETSI.RFC3161\n", {})
    _fill_field(revision, target, signature)
    room = TOKEN_BYTES
    for _ in range(_ATTEMPTS):
        draft = _draw_up(revision, signature, growing, room=room, digest=stamp.digest)
        content = stamp.get(draft.digest)
        if draft.fits(content):
            break
        room = len(content) + _BASE_BYTES
    growing.append(draft.fill(content))


def require_signable(document: Document, order: Order) -> None:
    """See to it that the signature may stand where it is ordered. Raises as `sign_pdf` does."""
    with guarded(document.where):
        existing = next((field for field in document.fields if field.name == order.field), None)
        _require_free(document, order, existing)
        _require_visible(document, order, existing)
        _require_unlocked(document, order, existing)
        if existing is not None:
            _require_seed(existing, order)


def _require_free(document: Document, order: Order, existing: Field | None) -> None:
    if existing is not None and not is_signature(existing):
        raise InputError(f"the field {order.field} is not for signatures.", where=document.where)
    if existing is not None and is_filled(existing):
        raise Refused(f"the field {order.field} is signed already.", where=document.where)
    if existing is not None and order.place is not None:
        raise InputError(f"the field {order.field} has its place already.", where=document.where)


def _require_visible(document: Document, order: Order, existing: Field | None) -> None:
    if order.look is None or order.place is not None:
        return
    corners = (
        [0.0] * 4
        if existing is None
        else [float(value) for value in items(fields.only_widget(existing)["/Rect"])]
    )
    if corners[0] == corners[2] or corners[1] == corners[3]:
        raise InputError(
            "there is no place to show the picture.",
            where=document.where,
            advice="Prepare the document, or give the page and rectangle of the signature.",
        )


def _require_unlocked(document: Document, order: Order, existing: Field | None) -> None:
    for signed, lock in read_locks(document.fields):
        if lock.whole or lock.document == 1 or lock.holds(order.field):
            raise Refused(
                f"the signature in the field {signed} permits no further signature here.",
                where=document.where,
                advice="Signing again would break it.",
            )
        certified = lock.document is not None and not lock.action
        if certified and existing is None and order.place is not None:
            raise Refused(
                f"the certifying signature in the field {signed} permits signing only in the fields that "
                "are there.",
                where=document.where,
                advice="Sign in an existing field, or without showing anything on the page.",
            )


_SEED_SUBFILTER, _SEED_DIGEST = 1 << 1, 1 << 6
_SEED_OTHERS: Final = (1 << 0) | (1 << 3) | (1 << 4)
"""Bits of `/Ff` in a seed value dictionary (ISO 32000-2, table 237): filter, reasons and legal attestation
are demanded by nobody here."""


def _require_seed(field: Field, order: Order) -> None:
    # A form's author may say how its field is to be signed (ISO 32000-2, 12.7.5.5).
    seed = look(field.dictionary, "/SV")
    if seed is None:
        return
    flags = int(look(seed, "/Ff", 0))
    kinds = {str(kind) for kind in items(look(seed, "/SubFilter"))}
    digests = {str(name).lower().replace("-", "") for name in items(look(seed, "/DigestMethod"))}
    if flags & _SEED_SUBFILTER and kinds and "/ETSI.CAdES.detached" not in kinds:
        raise Refused(f"the field {field.name} demands another kind of signature ({', '.join(kinds)}).")
    if flags & _SEED_DIGEST and digests and order.digest not in digests:
        raise Refused(f"the field {field.name} demands the digest {' or '.join(sorted(digests))}.")
    if flags & _SEED_OTHERS:
        filters = look(seed, "/Filter", "/Adobe.PPKLite")
        if filters != "/Adobe.PPKLite" or flags & ~1 & _SEED_OTHERS:
            raise Refused(f"the field {field.name} demands what edoc does not put into a signature.")


class _Signature(Raw):
    """A signature dictionary with its hole, written anew for each size of the hole."""

    def __init__(self, revision: Revision, kind: bytes, entries: dict[str, Value]) -> None:
        super().__init__(b"")
        self.reference = revision.add_object(self)
        inner = write_object(dictionary(entries), revision.security, self.reference.reference)[2:-2]
        self._head = b"<<" + kind + b"/Filter /Adobe.PPKLite\n" + inner
        self.range_at = len(self._head) + len(b"/ByteRange ")
        self.hole_at = self.range_at + _RANGE_BYTES + len(b"\n/Contents <")

    def make_hole(self, room: int) -> None:
        hole = b"0" * (2 * room)
        self.source = b"".join(
            (self._head, b"/ByteRange ", b" " * _RANGE_BYTES, b"\n/Contents <", hole, b">>>")
        )


def _add_signature_value(revision: Revision, document: Document, order: Order) -> _Signature:
    """Add the signature, its field if need be, and what the field shows."""
    target = _prepare_field(revision, document, order)
    if order.look is not None:
        rect, frame = fields.locate(revision, target)
        fields.show(revision, target, appearance.show_look(revision, order.look, rect, frame))
    entries: dict[str, Value] = {"M": text(_spell_time(order.at))}
    lock = read_lock(target)
    if lock is not None:
        entries["Reference"] = [_refer(revision, lock)]
    signature = _Signature(revision, b"/Type /Sig\n/SubFilter /ETSI.CAdES.detached\n", entries)
    _fill_field(revision, target, signature)
    return signature


def _prepare_field(revision: Revision, document: Document, order: Order) -> Field:
    found = next((field for field in document.fields if field.name == order.field), None)
    if found is not None:
        return found
    fields.add_signature(revision, order.field, order.place, order.lock)
    return _require_field(revision, order.field)


def _require_field(revision: Revision, name: str) -> Field:
    target = find_field(revision, name)
    if target is None:
        raise Refused(f"the name {name} cannot be given to a field.", advice="Name it without dots.")
    return target


def _fill_field(revision: Revision, target: Field, signature: _Signature) -> None:
    target.dictionary["/V"] = signature.reference
    revision.mark(target.dictionary)
    form = revision.form
    flags = int(look(form, "/SigFlags", 0))
    if flags & 3 != 3:  # noqa: PLR2004 - signatures exist; append only (ISO 32000-2, table 225)
        form["/SigFlags"] = convert(flags | 3)
        revision.mark(form)


def _refer(revision: Revision, lock: Lock) -> Any:
    parameters: dict[str, Value] = {"Type": "/TransformParams", "V": "/1.2", "Action": f"/{lock.action}"}
    if lock.action != "All":
        parameters["Fields"] = list(map(text, lock.fields))
    if lock.document is not None:
        parameters["P"] = lock.document  # as Acrobat does
    return dictionary(
        {
            "Type": "/SigRef",
            "TransformMethod": "/FieldMDP",
            "Data": revision.refer(revision.root_ref),
            "TransformParams": dictionary(parameters),
        }
    )


def _spell_time(at: datetime) -> str:
    offset = f"{at:%z}"
    return f"D:{at:%Y%m%d%H%M%S}{offset[:3]}'{offset[3:5]}'"


def _reserve(holder: Holder, *, timestamp: bool) -> int:
    certificates = sum(map(len, (holder.certificate, *holder.chain)))
    return _BASE_BYTES + certificates + (TOKEN_BYTES if timestamp else 0)


def _draw_up(revision: Revision, signature: _Signature, so_far: Growing, *, room: int, digest: str) -> Draft:
    """Render the update with a hole of `room` bytes, and digest all the rest."""
    signature.make_hole(room)
    tail = revision.render(so_far)
    start = revision.offsets[signature.reference.idnum] - so_far.size
    hole = start + signature.hole_at
    before, after = so_far.size + hole - 1, hole + 2 * room + 1
    spelt = b"[0 %d %d %d]" % (before, so_far.size + after, len(tail) - after)
    at = start + signature.range_at
    tail = tail[:at] + spelt + tail[at + len(spelt) :]
    view = memoryview(tail)
    return Draft(tail, hole, room, so_far.digest_with(digest, view[: hole - 1], view[after:]))

"""Sign a PDF as PAdES (ETSI EN 319 142-1), baseline B-B or B-T, in one incremental update.

Rules: SHA-256; the sub-filter is ETSI.CAdES.detached; the signer's and the issuers' certificates go into the
signature; the claimed time is the one that is given; what earlier signatures lock is respected.
"""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final

from asn1crypto import x509
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, Signer
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.stamp import NoOpStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from edoc.core.evidence import Lock
from edoc.core.ports import SigningKey
from edoc.errors import InputError, Refused
from edoc.pdf import appearance, fields
from edoc.pdf.appearance import Picture
from edoc.pdf.document import Document, Revision, guarded
from edoc.pdf.fieldlist import Field, list_fields
from edoc.pdf.forms import find_field, is_filled, is_signature, read_locks
from edoc.pdf.layout import Place
from edoc.pdf.objects import items, look
from edoc.pdf.timestamper import HttpTimeStamper

DIGEST: Final = "sha256"
_BASE_BYTES: Final = 4096
"""Room for the attributes, the signature value and the framing of a CMS object."""
_TOKEN_BYTES: Final = 12 << 10
"""Room for a time-stamp token with its certificates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be signed where."""

    key: SigningKey
    at: datetime
    """The claimed signing time, with its offset."""
    field: str
    """An existing empty field, or the name of the one to make."""
    place: Place | None = None
    """Where the new field stands; None for an invisible one. Only for a field that does not exist."""
    lock: Lock | None = None
    """What the new field locks. Only for a field that does not exist."""
    picture: Picture | None = None
    tsa: str | None = None
    """Address of the time-stamping authority: with it the level is B-T, without it B-B."""


class _KeySigner(Signer):
    """Lets pyHanko sign with a `SigningKey`, which parses its key once."""

    def __init__(self, key: SigningKey) -> None:
        make: Any = SimpleCertificateStore
        store: SimpleCertificateStore = make()
        store.register_multiple(map(x509.Certificate.load, key.chain))
        super().__init__(signing_cert=x509.Certificate.load(key.certificate), cert_registry=store)
        self._key = key

    async def async_sign_raw(
        self,
        data: bytes,
        digest_algorithm: str,
        dry_run: bool = False,  # noqa: ARG002 - room is reserved, so there is no trial run
    ) -> bytes:
        return self._key.sign(data, digest=digest_algorithm)


def choose_field(document: Document, names: tuple[str, ...]) -> str | None:
    """Give the first of the named signature fields that is there and empty."""
    empty = {
        field.name for field in list_fields(document.reader) if is_signature(field) and not is_filled(field)
    }
    return next((name for name in names if name in empty), None)


def invent_name(document: Document, stem: str) -> str:
    """Give a field name that the document does not use yet."""
    taken = {field.name for field in list_fields(document.reader)}
    number = 1
    while (name := f"{stem}{number}") in taken:
        number += 1
    return name


def sign_pdf(document: Document, order: Order, output: BinaryIO) -> None:
    """Sign the document and write all of it to `output`, an empty stream for reading and writing.

    Raises `Refused` if the field is signed already or an earlier signature forbids this one, `InputError`
    for a field of another kind, a place off the page or a picture without a place, `Unavailable` if the TSA
    fails.
    """
    require_signable(document, order)
    revision = document.extend(f"sign {order.field} {order.at.isoformat()}")
    target = _prepare_field(revision, order)
    if order.picture is not None:
        rect, frame = fields.locate(revision, target)
        fields.show(revision, target, appearance.show_picture(revision, order.picture, rect, frame))
    _run(_sign(revision, order, target, output))


def require_signable(document: Document, order: Order) -> None:
    """See to it that the signature may stand where it is ordered. Raises as `sign_pdf` does."""
    with guarded(document.where):
        existing = find_field(document.reader, order.field)
        _require_free(document, order, existing)
        _require_visible(document, order, existing)
        _require_unlocked(document, order)


def _require_free(document: Document, order: Order, existing: Field | None) -> None:
    if existing is not None and not is_signature(existing):
        raise InputError(f"the field {order.field} is not for signatures.", where=document.where)
    if existing is not None and is_filled(existing):
        raise Refused(f"the field {order.field} is signed already.", where=document.where)
    if existing is not None and order.place is not None:
        raise InputError(f"the field {order.field} has its place already.", where=document.where)


def _require_visible(document: Document, order: Order, existing: Field | None) -> None:
    if order.picture is None or order.place is not None:
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


def _require_unlocked(document: Document, order: Order) -> None:
    for signed, lock in read_locks(document.reader):
        if lock.whole or lock.document == 1 or lock.holds(order.field):
            raise Refused(
                f"the signature in the field {signed} permits no further signature here.",
                where=document.where,
                advice="Signing again would break it.",
            )


def _prepare_field(revision: Revision, order: Order) -> Field:
    if find_field(revision, order.field) is None:
        fields.add_signature(revision, order.field, order.place, order.lock)
    target = find_field(revision, order.field)
    if target is None:
        raise Refused(f"the name {order.field} cannot be given to a field.", advice="Name it without dots.")
    return target


async def _sign(revision: Revision, order: Order, target: Field, output: BinaryIO) -> None:
    metadata = PdfSignatureMetadata(
        field_name=order.field,
        md_algorithm=DIGEST,
        subfilter=SigSeedSubFilter.PADES,
        docmdp_permissions=_read_permission(target),
    )
    timestamper = None if order.tsa is None else HttpTimeStamper(order.tsa)
    signer = PdfSigner(metadata, _KeySigner(order.key), timestamper=timestamper, stamp_style=NoOpStampStyle())
    session = signer.init_signing_session(revision, existing_fields_only=True)
    session.system_time = order.at
    unsigned = session.prepare_tbs_document(
        validation_info=None, bytes_reserved=_reserve(order), appearance_text_params=None
    )
    prepared, _ = unsigned.digest_tbs_document(output=output)
    await unsigned.perform_signature(
        document_digest=prepared.document_digest,
        pdf_cms_signed_attrs=PdfCMSSignedAttributes(signing_time=order.at),
    )


def _read_permission(target: Field) -> MDPPerm:
    # What the field's lock says; without one it is not written into the signature.
    return MDPPerm(int(look(look(target.dictionary, "/Lock", {}), "/P", MDPPerm.FILL_FORMS.value)))


def _reserve(order: Order) -> int:
    # Two hexadecimal digits a byte. Given, so that no trial signature is needed to find out.
    certificates = sum(map(len, (order.key.certificate, *order.key.chain)))
    return 2 * (_BASE_BYTES + certificates + (_TOKEN_BYTES if order.tsa else 0))


def _run(work: Coroutine[Any, Any, None]) -> None:
    # pyHanko's signing is a coroutine that never waits here; a caller may have a loop of its own.
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(max_workers=1) as aside:
        aside.submit(asyncio.run, work).result()

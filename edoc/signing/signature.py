"""Prepare, number and sign a PDF, in the order of NĐ 30/2020/NĐ-CP Art 14.

    prepare("draft.pdf", "ready.pdf")
    sign("ready.pdf", "signed.pdf", key=person, role="person", trust=trust)
    number("signed.pdf", "numbered.pdf", number=5, notation="UBND-VP", date=date(2026, 2, 5))
    sign("numbered.pdf", "sealed.pdf", key=seal, role="agency", trust=trust)

Before a key is used its certificate is checked as NĐ 68/2024 Arts 29 to 32 demand, and what was checked is
kept with the result. A seal is put only on what a person validly signed (NĐ 30 Art 32). A target is written
whole or not at all.
"""

import datetime as dt
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal, get_args

from edoc.core.chain import CertificateFacts, CertificateKind, ChainFacts, ChainStatus
from edoc.core.ids import display_date_vi
from edoc.core.policy import Policy, find_policy
from edoc.core.ports import SigningKey
from edoc.core.report import Indication, SignatureType
from edoc.core.zone import VIETNAM
from edoc.errors import InputError, Refused
from edoc.pdf import fields, placing, signer
from edoc.pdf.appearance import load_picture
from edoc.pdf.document import Document, examine, guarded, open_pdf
from edoc.pdf.files import Source, Target, Written, copy, measure, written_to
from edoc.pdf.forms import DATE, NUMBER, PERSON, find_field
from edoc.pdf.layout import Place, Rect
from edoc.trust.certificates import read_certificate
from edoc.trust.chain import examine as examine_chain
from edoc.trust.fetch import HttpFetcher
from edoc.trust.store import Trust

Role = Literal["person", "agency", "system"]
"""Whose signature it is: a competent person's, an agency's seal, or a system's."""
Checks = Literal["nd68", "none"]

LEVELS: Final = ("B-B", "B-T")

_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "person": (PERSON,),
    "agency": fields.seal_names(fields.MAX_SEALS),
    "system": (),
}
_NEW_FIELDS: Final = {
    "person": ("Person", fields.PERSON_LOCK),
    "agency": ("Seal", fields.LAST_SEAL_LOCK),
    "system": ("System", None),
}
"""For a document without prepared fields: what a new field is called, and what it locks."""
_KINDS: Final = {
    "person": CertificateKind.PERSON,
    "agency": CertificateKind.AGENCY,
    "system": CertificateKind.SYSTEM,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check before signing, with its outcome: `passed`, or `skipped`; a failed one stops the signing."""

    name: str
    outcome: Literal["passed", "skipped"]
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed(Written):
    """A signed file, and the evidence of what was checked before (TT 15/2025, S8)."""

    field: str
    level: str
    """`B-B` or `B-T`."""
    signing_time: dt.datetime
    """As claimed in the signature, with its offset."""
    checks: tuple[Check, ...]
    chain: ChainFacts | None
    """The signer's path with the CRLs and OCSP answers that decided; None if checks were skipped."""


_SKIPPED: Final = (Check(name="all", outcome="skipped", detail="switched off by the caller (checks=none)"),)
_ADVICE: Final = {
    ChainStatus.NO_PATH: "Check the trust store, or ask the CA for its certificates.",
    ChainStatus.NOT_YET_VALID: "Check the clock of this machine.",
    ChainStatus.EXPIRED: "Sign with a renewed certificate.",
    ChainStatus.REVOKED: "Ask the CA for a new certificate.",
    ChainStatus.REVOCATION_UNKNOWN: "Add the CA's current CRL to the trust store, or allow going online.",
    ChainStatus.BAD_USAGE: "Use a certificate for signing documents.",
    ChainStatus.INVALID: "Ask the CA that issued it.",
}


def prepare(
    src: Source,
    dst: Target,
    *,
    number_rect: Place | None = None,
    date_rect: Place | None = None,
    person_rect: Place | None = None,
    seal_rect: Place | None = None,
    seals: int = 1,
    anchor: str | None = None,
) -> Written:
    """Add the empty fields `Number`, `Date`, `Person` and `Seal` (`Seal2`, … for joint documents).

    A place that is not given is found on the page: after "Số:", after the place's comma, between the signer's
    position (its line starts with `anchor`, if given) and name; else it follows Annex I of NĐ 30/2020. The
    page's own content is not touched. Raises `PdfError` if the file cannot be read, `Refused` if it is
    signed or prepared already or the anchor is nowhere, `InputError` if a rectangle is not on its page.
    """
    if not 1 <= seals <= fields.MAX_SEALS:
        raise InputError(f"a document has 1 to {fields.MAX_SEALS} seals, not {seals}.")
    wishes = placing.Wishes(
        number=number_rect, date=date_rect, person=person_rect, seal=seal_rect, seals=seals, anchor=anchor
    )
    with open_pdf(src) as document:
        _require_untouched(document)
        revision = fields.add_fields(document, placing.decide_places(document, wishes))
        with written_to(dst) as output:
            with guarded(document.where):
                revision.save(output)
            return measure(output)


def _require_untouched(document: Document) -> None:
    facts = examine(document)
    if facts.signatures:
        names = sorted({each.signer or "somebody whose name cannot be read" for each in facts.signatures})
        raise Refused(
            f"this PDF is already signed by {', '.join(names)}; adding fields would break that signature.",
            where=document.where,
            advice="Prepare the document before anybody signs it.",
        )
    taken = {NUMBER, DATE, PERSON, *fields.seal_names(fields.MAX_SEALS)} & set(facts.fields)
    if taken:
        raise Refused(
            f"this PDF already has the fields {', '.join(sorted(taken))}.",
            where=document.where,
            advice="Sign it as it is." if facts.prepared else "Rename them, or print the file to a new PDF.",
        )


def number(src: Source, dst: Target, *, number: int, notation: str, date: dt.date) -> Written:
    """Fill `Number` (as in `05/UBND-VP`) and `Date` (`ngày 05 tháng 02 năm 2026`), once.

    The same inputs give the same bytes; a file that already says the same is copied as it is. Raises
    `PdfError` if the file cannot be read, `Refused` if the fields are missing, locked, too small or say
    something else, `InputError` for an impossible number or symbol.
    """
    values = {NUMBER: fields.spell_number(number, notation), DATE: display_date_vi(date)}
    with open_pdf(src) as document:
        revision = fields.fill_texts(document, values)
        with written_to(dst) as output:
            if revision is None:
                copy(document.stream, output)
            else:
                with guarded(document.where):
                    revision.save(output)
            return measure(output)


def sign(
    src: Source,
    dst: Target,
    *,
    key: SigningKey,
    role: Role,
    level: str = "B-B",
    field: str | None = None,
    page: int | None = None,
    rect: Sequence[float] | None = None,
    image: str | os.PathLike[str] | BinaryIO | None = None,
    tsa: str | None = None,
    checks: Checks = "nd68",
    trust: Trust | None = None,
    offline: bool = False,
    policy: str | Policy = "nd68",
    at: dt.datetime | None = None,
) -> Signed:
    """Sign `src` as PAdES B-B, or B-T with a time-stamp from `tsa`, and write the signed file to `dst`.

    The signature goes into `field`; or into a new field on `page` (the first is 1) at `rect` (x1, y1, x2, y2
    in points from the displayed page's lower left corner); or into the role's first empty prepared field; or
    into a new invisible one. `image` is a transparent PNG and the whole of what is shown. `at` is the
    claimed time (default: now). `policy` judges the person's signature under a seal.

    Raises `PdfError` if the file cannot be read, `Refused` if a check or an earlier signature forbids it,
    `InputError` for arguments that do not fit, `Unavailable` if the TSA fails. Then `dst` is untouched.
    """
    moment = _require_arguments(role=role, level=level, tsa=tsa, checks=checks, at=at)
    judged_by = find_policy(policy)
    picture = None if image is None else load_picture(image)
    with open_pdf(src) as document:
        place = _read_place(page, rect)
        order = signer.Order(
            key=key,
            at=moment,
            field=_choose_field(document, role, field, place),
            place=place,
            lock=_NEW_FIELDS[role][1],
            picture=picture,
            tsa=tsa if level == "B-T" else None,
        )
        signer.require_signable(document, order)
        chain: ChainFacts | None = None
        done: tuple[Check, ...] = _SKIPPED
        if checks == "nd68":
            chain, done = check_certificate(key, role=role, trust=trust, at=moment, offline=offline)
            if role == "agency" and trust is not None:
                done = (
                    *done,
                    _check_person(document, trust=trust, policy=judged_by, at=moment, offline=offline),
                )
        with written_to(dst) as output:
            with guarded(document.where):
                signer.sign_pdf(document, order, output)
            written = measure(output)
    return Signed(
        sha256=written.sha256,
        size=written.size,
        field=order.field,
        level=level,
        signing_time=moment,
        checks=done,
        chain=chain,
    )


def _require_arguments(
    *, role: str, level: str, tsa: str | None, checks: str, at: dt.datetime | None
) -> dt.datetime:
    if role not in _KINDS:
        raise InputError(f"{role!r} is no role.", advice=f"Roles are {', '.join(_KINDS)}.")
    if checks not in get_args(Checks):
        raise InputError(f"{checks!r} are no checks.", advice=f"Checks are {', '.join(get_args(Checks))}.")
    if level not in LEVELS:
        raise InputError(
            f"the level {level!r} is not made by this version.", advice=f"It makes {' and '.join(LEVELS)}."
        )
    if level == "B-T" and tsa is None:
        raise InputError("the level B-T needs a time-stamping authority.", advice="Name its address (tsa).")
    if at is not None and at.tzinfo is None:
        raise InputError("a signing time without its zone says nothing.", advice="Give its offset.")
    return (dt.datetime.now(VIETNAM) if at is None else at).replace(microsecond=0)


def _read_place(page: int | None, rect: Sequence[float] | None) -> Place | None:
    if page is None and rect is None:
        return None
    if page is None or rect is None or len(rect) != 4:  # noqa: PLR2004 - two corners
        raise InputError("a new field needs its page and its rectangle x1, y1, x2, y2.")
    return Place(page, Rect(*rect))


def _choose_field(document: Document, role: str, field: str | None, place: Place | None) -> str:
    with guarded(document.where):
        if field is not None:
            if place is None and find_field(document.reader, field) is None:
                raise InputError(
                    f"this PDF has no field {field}.",
                    where=document.where,
                    advice="Name another, or give the page and rectangle of a new one.",
                )
            return field
        empty = None if place is not None else signer.choose_field(document, _FIELDS[role])
        return empty or signer.invent_name(document, _NEW_FIELDS[role][0])


def check_certificate(
    key: SigningKey, *, role: Role, trust: Trust | None, at: dt.datetime, offline: bool
) -> tuple[ChainFacts, tuple[Check, ...]]:
    """Check whether the key's certificate may sign in this role at this time (NĐ 68/2024 Arts 31 and 32).

    Period, scope, path, and status by CRL or OCSP. Raises `Refused` with the first check that fails.
    """
    if trust is None or not trust.roots:
        raise Refused(
            "the certificate cannot be checked before signing because no trusted root was given.",
            advice="Give a trust store (--trust), or switch the checks off for a test (--checks none).",
        )
    signer_facts = read_certificate(key.certificate)
    with ExitStack() as stack:
        fetcher = None if offline else stack.enter_context(HttpFetcher())
        chain = examine_chain(key.certificate, trust=trust, at=at, others=key.chain, fetcher=fetcher)
    if chain.status is not ChainStatus.OK:
        raise Refused(_explain(chain, signer_facts), advice=_ADVICE[chain.status])
    if signer_facts.kind is not _KINDS[role]:
        raise Refused(
            f"the certificate of {signer_facts.common_name} is of the kind {signer_facts.kind}, "
            f"which does not sign as {role}.",
            advice="Use the key that belongs to the role.",
        )
    until = f"{signer_facts.not_before.isoformat()} to {signer_facts.not_after.isoformat()}"
    return chain, (
        Check(name="validity_period", outcome="passed", detail=until),
        Check(name="certification_path", outcome="passed", detail=f"{len(chain.path)} certificates"),
        Check(name="revocation", outcome="passed", detail=f"not revoked by {chain.revocation_source}"),
        Check(name="key_usage", outcome="passed"),
        Check(name="kind", outcome="passed", detail=str(signer_facts.kind)),
    )


def _explain(chain: ChainFacts, facts: CertificateFacts) -> str:
    who = f"the certificate of {facts.common_name}"
    first, last = facts.not_before.astimezone(VIETNAM), facts.not_after.astimezone(VIETNAM)
    return {
        ChainStatus.EXPIRED: f"{who} expired on {last:%Y-%m-%d}.",
        ChainStatus.NOT_YET_VALID: f"{who} is valid only from {first:%Y-%m-%d} on.",
        ChainStatus.NO_PATH: f"{who} leads to no trusted root.",
        ChainStatus.REVOKED: f"{who} is revoked.",
        ChainStatus.REVOCATION_UNKNOWN: f"whether {who} is revoked cannot be found out now.",
    }.get(chain.status, f"{who} may not sign documents: {chain.detail.rstrip('.')}.")


def require_person_signed(
    src: Source, *, trust: Trust, at: dt.datetime, offline: bool, policy: str = "nd68"
) -> None:
    """Raise `Refused` unless a competent person validly signed the PDF and no signature in it failed.

    Raises `PdfError` if the file cannot be read.
    """
    with open_pdf(src) as document:
        _check_person(document, trust=trust, policy=find_policy(policy), at=at, offline=offline)


def _check_person(
    document: Document, *, trust: Trust, policy: Policy, at: dt.datetime, offline: bool
) -> Check:
    # NĐ 30/2020 Art 32: the clerk applies the agency's key only to what the competent person signed.
    from edoc.verification import verify

    document.stream.seek(0)
    (report,) = verify(document.stream, trust=trust, policy=policy, at=at, offline=offline).files
    persons = [
        signature.signer.common_name
        for signature in report.signatures
        if signature.type is SignatureType.SIGNATURE
        and signature.indication is Indication.TOTAL_PASSED
        and signature.signer is not None
        and signature.signer.kind is CertificateKind.PERSON
    ]
    if not persons or report.indication is Indication.TOTAL_FAILED:
        reasons = " ".join(reason.text for reason in report.reasons)
        raise Refused(
            f"the seal goes only on a document that a competent person validly signed. {reasons}".strip(),
            where=document.where,
            advice="Have the person sign first (NĐ 30/2020 Art 32).",
        )
    return Check(name="person_signature", outcome="passed", detail=", ".join(persons))

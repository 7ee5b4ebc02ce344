"""Levels of a signature, and raising them (ETSI EN 319 142-1, 6): proof of time, evidence, their renewal.

    timestamp("signed.pdf", "stamped.pdf", tsa="http://tsa.ca.gov.vn")
    extend("signed.pdf", "kept.pdf", level="B-LTA", trust=trust, tsa="http://tsa.ca.gov.vn")

Nothing here needs the signer's key: a document time-stamp proves the time of everything before it, the
document security store holds what proves the certificates.
"""

import datetime as dt
from collections.abc import Iterable
from contextlib import ExitStack
from typing import BinaryIO, Final

from edoc.core.chain import ChainFacts, ChainStatus
from edoc.core.evidence import FileEvidence, SignatureFacts
from edoc.core.report import SignatureType
from edoc.errors import InputError, Refused, Unavailable
from edoc.pdf import dss, signer
from edoc.pdf.document import Document, guarded, open_pdf, open_stream
from edoc.pdf.dss import Evidence
from edoc.pdf.files import Growing, Source, Target, Written, written_to
from edoc.signing.online import Online
from edoc.trust.chain import Usage, examine
from edoc.trust.fetch import Fetcher
from edoc.trust.material import collect_material
from edoc.trust.store import Trust
from edoc.trust.timestamps import Stamp, Tsa

LEVELS: Final = ("B-B", "B-T", "B-LT", "B-LTA")
TIMESTAMP_FIELD: Final = "Timestamp"


def timestamp(
    src: Source,
    dst: Target,
    *,
    tsa: str | Tsa | Iterable[str | Tsa] | None = None,
    online: Online | None = None,
    password: str | None = None,
) -> Written:
    """Add a document time-stamp, which proves that the file existed with all its signatures.

    Raises `PdfError` if the file cannot be read, `InputError` if no TSA is named, `Unavailable` if none gives
    a time-stamp now. Then `dst` is untouched.
    """
    with ExitStack() as stack:
        reached = online or stack.enter_context(Online(tsas=list_tsas(tsa)))
        document = stack.enter_context(open_pdf(src, password=password))
        output = stack.enter_context(written_to(dst))
        growing = Growing(output, digests=(reached.digest,))
        growing.copy(document.stream)
        with guarded(document.where):
            add_timestamp(document, growing, stamp=reached.stamper)
        return growing.written


def extend(
    src: Source,
    dst: Target,
    *,
    level: str,
    trust: Trust,
    tsa: str | Tsa | Iterable[str | Tsa] | None = None,
    online: Online | None = None,
    offline: bool = False,
    at: dt.datetime | None = None,
    password: str | None = None,
) -> Written:
    """Raise every signature of a file to `level`: B-T, B-LT, or B-LTA, which is also how B-LTA is renewed.

    What is there already is not added again, but a new archive time-stamp always is. `offline` fetches no
    revocation data; a time-stamp comes from the TSA all the same. `at` is now. Raises `PdfError` if the file
    cannot be read, `Refused` if it has no signature, or one that does not hold or whose certificate cannot be
    proven good, `InputError` for another level or if no TSA is named, `Unavailable` if none answers.
    """
    if level not in LEVELS[1:]:
        raise InputError(f"no file is raised to {level!r}.", advice=f"Use {', '.join(LEVELS[1:])}.")
    now = at or dt.datetime.now(dt.UTC)
    with ExitStack() as stack:
        reached = online or stack.enter_context(Online(tsas=list_tsas(tsa)))
        document = stack.enter_context(open_pdf(src, password=password))
        output = stack.enter_context(written_to(dst))
        growing = Growing(output, digests=(reached.digest,))
        growing.copy(document.stream)
        fetcher = None if offline else reached.fetcher
        with guarded(document.where):
            read = _read_signatures(output, document, trust, now, fetcher)
            if not _have_times(read.signatures):
                add_timestamp(document, growing, stamp=reached.stamper)
                read = _read_signatures(output, document, trust, now, fetcher)
            if level != LEVELS[1]:
                add_long_term(
                    reopen(document, output), growing, _collect(read, document.where, online=not offline)
                )
            if level == "B-LTA":
                add_timestamp(reopen(document, output), growing, stamp=reached.stamper)
        return growing.written


def list_tsas(tsa: str | Tsa | Iterable[str | Tsa] | None) -> tuple[Tsa, ...]:
    """Give the TSAs that an argument names, in their order."""
    if tsa is None:
        return ()
    named = (tsa,) if isinstance(tsa, str | Tsa) else tuple(tsa)
    return tuple(Tsa(url=each) if isinstance(each, str) else each for each in named)


def add_timestamp(document: Document, growing: Growing, *, stamp: signer.Stamper) -> None:
    """Append a document time-stamp; `growing` holds the document."""
    name = signer.invent_name(document, TIMESTAMP_FIELD)
    signer.stamp_onto(growing, document, name, stamp=stamp)


def add_long_term(document: Document, growing: Growing, evidence: Evidence) -> None:
    """Append what the document's store does not hold yet; `growing` holds the document."""
    revision = dss.add_evidence(document, evidence)
    if revision is not None:
        growing.append(revision.render(growing))


def prove(
    signer_chain: ChainFacts, stamp: Stamp, *, trust: Trust, at: dt.datetime, fetcher: Fetcher | None
) -> Evidence:
    """Collect the evidence for a signer's path, and for the authority that stamped the signature.

    Raises as `require_proven` does if that one cannot be proven good.
    """
    chain = examine(
        stamp.certificate, trust=trust, at=at, others=stamp.others, usage=Usage.TIMESTAMPING, fetcher=fetcher
    )
    require_proven(chain, "the time-stamping authority", online=fetcher is not None)
    return _join(signer_chain, chain)


def require_proven(chain: ChainFacts, who: str, *, online: bool) -> None:
    """Raise unless the path holds and every certificate in it has its proof.

    `Unavailable` if revocation data is all that is missing and was asked for `online`, else `Refused`.
    """
    if chain.status is ChainStatus.OK:
        return
    what = f"there is no proof for the certificate of {who}: {chain.detail.rstrip('.') or chain.status}."
    if online and chain.status is ChainStatus.REVOCATION_UNKNOWN:
        raise Unavailable(what, advice="Try again later, or give current CRLs.")
    raise Refused(what, advice="Trust its root, give current CRLs, or allow going online.")


def _join(*chains: ChainFacts) -> Evidence:
    found = collect_material(*chains)
    return Evidence(certificates=found.certificates, crls=found.crls, ocsps=found.ocsps)


def reopen(document: Document, stream: BinaryIO) -> Document:
    """Open what became of a document."""
    return open_stream(stream, where=document.where, password=document.password)


def _read_signatures(
    stream: BinaryIO, document: Document, trust: Trust, at: dt.datetime, fetcher: Fetcher | None
) -> FileEvidence:
    from edoc.verification import gather

    stream.seek(0)
    read = gather(stream, trust=trust, at=at, fetcher=fetcher, password=document.password)
    if not read.signatures:
        raise Refused("this PDF has no signature.", where=document.where, advice="Sign it first.")
    for facts in read.signatures:
        if not facts.intact:
            raise Refused(
                f"the signature in the field {facts.field} does not hold; nothing can raise its level.",
                where=document.where,
            )
    return read


def _have_times(signatures: tuple[SignatureFacts, ...]) -> bool:
    stamps = [facts.end for facts in signatures if facts.type is SignatureType.DOCUMENT_TIMESTAMP]
    return all(facts.timestamp or any(facts.end <= end for end in stamps) for facts in signatures)


def _collect(read: FileEvidence, where: str, *, online: bool) -> Evidence:
    proven: list[ChainFacts] = []
    for facts in read.signatures:
        if facts.chain is None:
            raise Refused(f"the signature in the field {facts.field} names no certificate.", where=where)
        stamped = facts.timestamp.chain if facts.timestamp else None
        for chain in filter(None, (facts.chain, stamped)):
            require_proven(chain, f"the signature in the field {facts.field}", online=online)
            proven.append(chain)
    return _join(*proven)

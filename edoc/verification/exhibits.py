"""Exhibit what a judgement rests on: every piece once, in words, and where it came from."""

from collections.abc import Iterator
from dataclasses import replace

from edoc.core.chain import ChainFacts
from edoc.core.evidence import FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.exhibit import Exhibit, Words
from edoc.core.verdicts import EvidenceKind, Origin
from edoc.trust.store import Trust
from edoc.trust.words import put_into_words


class Exhibitor:
    """Exhibits what judgements under one trust rest on."""

    def __init__(self, trust: Trust) -> None:
        self._roots = frozenset(trust.roots)
        self._trusted = frozenset((*trust.intermediates, *trust.crls))

    def exhibit(self, file: FileEvidence) -> FileEvidence:
        """The same evidence with its exhibits; every path must have been examined under that trust."""
        embedded = frozenset(_list_embedded(file))
        found = {der: kind for facts in file.signatures for kind, der in _list_pieces(facts) if der}
        names = {facts.token: facts.certificate for facts in _list_stamps(file)}
        return replace(
            file,
            exhibits=tuple(
                Exhibit(
                    der=der,
                    words=_describe(kind, der, names.get(der)),
                    origin=self._find_origin(kind, der, embedded),
                )
                for der, kind in found.items()
            ),
            inside=tuple(self.exhibit(inner) for inner in file.inside),
        )

    def _find_origin(self, kind: EvidenceKind, der: bytes, embedded: frozenset[bytes]) -> Origin:
        # A root counts because it is trusted, even if the file brought it along too.
        if der in self._roots:
            return Origin.TRUST_STORE
        if kind is EvidenceKind.TIME_STAMP or der in embedded:
            return Origin.EMBEDDED
        return Origin.TRUST_STORE if der in self._trusted else Origin.FETCHED


def _describe(kind: EvidenceKind, der: bytes, authority: bytes | None) -> Words:
    words = put_into_words(kind, der)
    if authority is None:
        return words
    return replace(words, name=put_into_words(EvidenceKind.CERTIFICATE, authority).name)


def _list_stamps(file: FileEvidence) -> list[TimestampFacts]:
    return [facts.timestamp for facts in file.signatures if facts.timestamp is not None]


def _list_pieces(facts: SignatureFacts) -> Iterator[tuple[EvidenceKind, bytes]]:
    """Everything that one signature's judgement rests on, the signer's path first."""
    if facts.certificate:
        yield EvidenceKind.CERTIFICATE, facts.certificate
    yield from _list_chain(facts.chain)
    if facts.timestamp is not None:
        yield EvidenceKind.TIME_STAMP, facts.timestamp.token
        if facts.timestamp.certificate:
            yield EvidenceKind.CERTIFICATE, facts.timestamp.certificate
        yield from _list_chain(facts.timestamp.chain)


def _list_chain(chain: ChainFacts | None) -> Iterator[tuple[EvidenceKind, bytes]]:
    if chain is None:
        return
    for der in chain.path:
        yield EvidenceKind.CERTIFICATE, der
    for der in chain.crls:
        yield EvidenceKind.CRL, der
    for der in chain.ocsps:
        yield EvidenceKind.OCSP, der


def _list_embedded(file: FileEvidence) -> Iterator[bytes]:
    yield from (*file.certificates, *file.crls, *file.ocsps)
    for facts in file.signatures:
        yield from (facts.certificate or b"", *facts.others, *facts.crls, *facts.ocsps)
        if facts.timestamp is not None:
            yield from (facts.timestamp.certificate or b"", *facts.timestamp.others)

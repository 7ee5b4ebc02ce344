"""Certification paths: find candidates by name, then validate them by RFC 5280 section 6.1.

Finding has a budget, because whoever makes a document also picks the certificates in it, and a few that name
each other make exponentially many paths. Validation is pyhanko-certvalidator's, without its handling of
revocation, which `revocation` does.
"""

from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeVar

from asn1crypto import x509
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import ExpiredError, NotYetValidError, ValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import DEFAULT_WEAK_HASH_ALGOS, NO_REVOCATION, CertRevTrustPolicy
from pyhanko_certvalidator.validate import async_validate_path

from edoc.core.chain import ChainStatus
from edoc.trust.memory import Memory, remembered
from edoc.trust.records import Certificate, load_records

MAX_LENGTH: Final = 8
"""Certificates in a path; deployed hierarchies have three or four."""
MAX_PATHS: Final = 8
"""Candidates that are validated."""
MAX_STEPS: Final = 256
"""Issuers that are tried while finding them."""

_FLAWS: Final[Memory[tuple[frozenset[str], tuple[bytes, ...]], "Flaw | None"]] = Memory(
    entries=4096, total_bytes=4096
)
"""What is wrong with a path at any instant of everybody's period, by what counts and the digests."""
_PREAMBLE: Final = "The path could not be validated because "
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with a path."""

    status: ChainStatus
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Store:
    """What a trust store brings, read once."""

    roots: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]
    digests: frozenset[bytes]
    """Of the roots."""


@remembered(entries=16, total_bytes=16 << 20)
def _load_store(roots: tuple[bytes, ...], intermediates: tuple[bytes, ...]) -> _Store:
    trusted = load_records(tuple(dict.fromkeys(roots)))
    digests = frozenset(found.digest for found in trusted)
    others = load_records(tuple(dict.fromkeys(intermediates)))
    return _Store(
        roots=tuple(trusted),
        intermediates=tuple(found for found in others if found.digest not in digests),
        digests=digests,
    )


class Pool:
    """Certificates that paths are made of: roots, trusted intermediates, then whatever else was handed in."""

    def __init__(
        self, roots: tuple[bytes, ...], intermediates: tuple[bytes, ...], others: Iterable[bytes]
    ) -> None:
        self._store = _load_store(roots, intermediates)
        # The store's own come first, so that no decoy can use up the budget before them.
        self._others = {found.digest: found for found in self._store.intermediates}
        self.add(load_records(tuple(dict.fromkeys(others))))

    def add(self, certificates: Iterable[Certificate]) -> bool:
        """Add certificates that are not trusted; false if all of them were there already."""
        before = len(self._others)
        for found in certificates:
            if found.digest not in self._store.digests:
                self._others.setdefault(found.digest, found)
        return len(self._others) > before

    def find_paths(self, leaf: Certificate) -> Iterator[tuple[Certificate, ...]]:
        """Give candidate paths, leaf first and root last, at most `MAX_PATHS`."""
        return islice(self._extend((leaf,), _Budget()), MAX_PATHS)

    def _extend(self, path: tuple[Certificate, ...], budget: "_Budget") -> Iterator[tuple[Certificate, ...]]:
        last = path[-1]
        if last.digest in self._store.digests:
            yield path
            return
        if len(path) >= MAX_LENGTH:
            return
        for root in self._store.roots:
            if may_have_issued(root, last) and budget.spend():
                yield (*path, root)
        for issuer in self._others.values():
            fits = may_have_issued(issuer, last) and all(issuer.digest != found.digest for found in path)
            if fits and budget.spend():
                yield from self._extend((*path, issuer), budget)


def may_have_issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Whether names and key identifiers fit; nothing is said about the signature."""
    if issuer.subject != certificate.issuer:
        return False
    wanted, found = certificate.authority_key_identifier, issuer.key_identifier
    return not (wanted and found) or wanted == found


class _Budget:
    def __init__(self) -> None:
        self._left = MAX_STEPS

    def spend(self) -> bool:
        self._left -= 1
        return self._left >= 0


def validate_path(
    path: tuple[Certificate, ...], *, at: datetime, historic: frozenset[str] = frozenset()
) -> Flaw | None:
    """Validate a path (leaf first, root last) at the instant `at`; None if nothing is wrong.

    The root's own period of validity is kept too. Weak digests (SHA-1 and below) and RSA keys below 2048 bits
    anywhere in the path make it invalid; `historic` digests do not.
    """
    if not all(found.covers(at) for found in path):
        return _validate(path, at, historic)
    # In everybody's period nothing else depends on the time, so any such instant speaks for all of them.
    key = historic, tuple(found.digest for found in path)
    return _FLAWS.recall(key, lambda: _validate(path, at, historic))


def _validate(path: tuple[Certificate, ...], at: datetime, historic: frozenset[str]) -> Flaw | None:
    # Parsed anew: asn1crypto's objects change while they are read, so threads cannot share them.
    *rest, root = (x509.Certificate.load(found.der, strict=True) for found in path)
    anchor = CertTrustAnchor(
        root,
        quals=TrustQualifiers(
            max_path_length=root.max_path_length,
            max_aa_path_length=root.max_path_length,  # required with the other, though unused
            valid_from=root.not_valid_before,
            valid_until=root.not_valid_after,
        ),
    )
    candidate = ValidationPath(anchor, list(reversed(rest[1:])), rest[0] if rest else None)
    context = ValidationContext(
        trust_roots=[anchor],
        moment=at,
        revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
        weak_hash_algos=DEFAULT_WEAK_HASH_ALGOS - historic,
        time_tolerance=timedelta(0),
    )
    try:
        run_to_end(async_validate_path(context, candidate))
    except ExpiredError as error:
        return Flaw(status=ChainStatus.EXPIRED, detail=_describe(error))
    except NotYetValidError as error:
        return Flaw(status=ChainStatus.NOT_YET_VALID, detail=_describe(error))
    except ValidationError as error:
        return Flaw(status=ChainStatus.INVALID, detail=_describe(error))
    return None


def run_to_end(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine that never waits for anything, without an event loop.

    Offline validation only computes; so it also works inside somebody else's event loop.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: _Result = done.value
        return result
    coroutine.close()
    raise RuntimeError("offline validation waited for something")


def _describe(error: ValidationError) -> str:
    text = str(error.failure_msg).removeprefix(_PREAMBLE).strip().rstrip(".")
    return f"{text[:1].lower()}{text[1:]}."

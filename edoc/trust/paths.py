"""Certification paths: find candidates by name, then validate them by RFC 5280 section 6.1.

Finding has a budget, because whoever makes a document also picks the certificates in it, and a few that name
each other make exponentially many paths. Plain paths are validated in `plainpaths`; all others, and whatever
is wrong with one, in `rfc5280`. Revocation is the business of `revocation`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from edoc.core.chain import ChainStatus
from edoc.trust.memory import Memory, remembered
from edoc.trust.plainpaths import is_plainly_valid
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with a path."""

    status: ChainStatus
    detail: str
    weak: bool = False
    """Nothing is wrong but algorithms."""


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
    return _FLAWS.recall(key, lambda: None if is_plainly_valid(path) else _validate(path, at, historic))


def _validate(path: tuple[Certificate, ...], at: datetime, historic: frozenset[str]) -> Flaw | None:
    from edoc.trust.rfc5280 import find_flaw  # it brings an event loop and sockets along

    ders = tuple(each.der for each in path)
    found = find_flaw(ders, at=at, historic=historic)
    if found is None:
        return None
    status, detail = found
    weak = status is ChainStatus.INVALID and not find_flaw(ders, at=at, historic=historic, any_algorithm=True)
    return Flaw(status=status, detail=detail, weak=weak)

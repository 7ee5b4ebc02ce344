"""Certification paths: find candidates by name, then validate them by RFC 5280 section 6.1.

Finding has a budget, because whoever makes a document also picks the certificates in it, and a few that name
each other make exponentially many paths. Validation is pyhanko-certvalidator's, without its handling of
revocation, which `revocation` does.
"""

from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from asn1crypto import x509
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import ExpiredError, NotYetValidError, ValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, CertRevTrustPolicy
from pyhanko_certvalidator.validate import async_validate_path

from edoc.core.chain import ChainStatus
from edoc.trust.certificates import MALFORMED

MAX_LENGTH: Final = 8
"""Certificates in a path; deployed hierarchies have three or four."""
MAX_PATHS: Final = 8
"""Candidates that are validated."""
MAX_STEPS: Final = 256
"""Issuers that are tried while finding them."""

_PREAMBLE: Final = "The path could not be validated because "
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with a path."""

    status: ChainStatus
    detail: str


class Pool:
    """Certificates that paths are made of: roots, trusted intermediates, then whatever else was handed in."""

    def __init__(
        self, roots: Iterable[bytes], intermediates: Iterable[bytes], others: Iterable[bytes]
    ) -> None:
        self._roots = list(_parse(roots))
        trusted = {found.dump() for found in self._roots}
        # The store's own come first, so that no decoy can use up the budget before them.
        pool = dict.fromkeys((*intermediates, *others))
        self._others = list(_parse(der for der in pool if der not in trusted))

    def find_paths(self, leaf: Any) -> Iterator[tuple[Any, ...]]:
        """Give candidate paths, leaf first and root last, at most `MAX_PATHS`."""
        budget = _Budget()
        for found, path in enumerate(self._extend((leaf,), budget), start=1):
            yield path
            if found >= MAX_PATHS:
                return

    def _extend(self, path: tuple[Any, ...], budget: "_Budget") -> Iterator[tuple[Any, ...]]:
        last = path[-1]
        if any(last.dump() == root.dump() for root in self._roots):
            yield path
            return
        if len(path) >= MAX_LENGTH:
            return
        for root in self._roots:
            if _may_have_issued(root, last) and budget.spend():
                yield (*path, root)
        for issuer in self._others:
            if issuer not in path and _may_have_issued(issuer, last) and budget.spend():
                yield from self._extend((*path, issuer), budget)


class _Budget:
    def __init__(self) -> None:
        self._left = MAX_STEPS

    def spend(self) -> bool:
        self._left -= 1
        return self._left >= 0


def validate_path(path: tuple[Any, ...], *, at: datetime) -> Flaw | None:
    """Validate a path (leaf first, root last) at the instant `at`; None if nothing is wrong.

    The root's own period of validity is kept too. Weak digests (SHA-1 and below) and RSA keys below 2048 bits
    anywhere in the path make it invalid.
    """
    *rest, root = path
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


def _parse(certificates: Iterable[bytes]) -> Iterator[Any]:
    for der in certificates:
        try:
            parsed = x509.Certificate.load(der, strict=True)
            _ = parsed.subject.hashable, parsed.issuer.hashable, parsed.key_identifier
            _ = parsed.authority_key_identifier, parsed.public_key.native
        except MALFORMED:
            continue
        yield parsed


def _may_have_issued(issuer: Any, certificate: Any) -> bool:
    if issuer.subject.hashable != certificate.issuer.hashable:
        return False
    wanted, found = certificate.authority_key_identifier, issuer.key_identifier
    return not (wanted and found) or bool(wanted == found)

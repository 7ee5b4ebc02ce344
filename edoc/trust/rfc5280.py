"""Validate a certification path by RFC 5280, section 6.1, whatever it holds: with pyhanko-certvalidator.

Its handling of revocation is not used; `edoc.trust.revocation` does that.
"""

from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from asn1crypto import x509
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import ExpiredError, NotYetValidError, ValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    DEFAULT_WEAK_HASH_ALGOS,
    NO_REVOCATION,
    AcceptAllAlgorithms,
    CertRevTrustPolicy,
)
from pyhanko_certvalidator.validate import async_validate_path

from edoc.core.chain import ChainStatus

_PREAMBLE: Final = "The path could not be validated because "
_Result = TypeVar("_Result")


def find_flaw(
    path: tuple[bytes, ...], *, at: datetime, historic: frozenset[str], any_algorithm: bool = False
) -> tuple[ChainStatus, str] | None:
    """Say what is wrong with a path (DER, leaf first, root last) at the instant `at`; None if nothing is.

    The root's own period is kept too; `historic` digests do not count as weak; with `any_algorithm` nothing
    does.
    """
    # Parsed anew: asn1crypto's objects change while they are read, so threads cannot share them.
    *rest, root = (x509.Certificate.load(der, strict=True) for der in path)
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
        algorithm_usage_policy=AcceptAllAlgorithms() if any_algorithm else None,
        time_tolerance=timedelta(0),
    )
    try:
        run_to_end(async_validate_path(context, candidate))
    except ExpiredError as error:
        return ChainStatus.EXPIRED, _describe(error)
    except NotYetValidError as error:
        return ChainStatus.NOT_YET_VALID, _describe(error)
    except ValidationError as error:
        return ChainStatus.INVALID, _describe(error)
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

"""The peer that verifies: pyHanko as its documentation advises, judging what edoc judges, fetching nothing.

The roots, the CAs and the CRLs at hand are parsed once, as a careful user keeps them; a file is opened anew
each time, as edoc does it, and its difference analysis is on. B-B is judged by `validate_pdf_signature` with
the CRLs at hand; B-LT by the same from the document security store alone, time-stamp included; B-LTA by the
AdES engine, pyHanko's only call that judges the archive time-stamps, from the store alone. Who is not
satisfied raises, so that nobody is measured at saying no.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import cached_property
from pathlib import Path
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

from edoc.trust.store import Trust


class Verifier:
    """Verifies files under one trust."""

    def __init__(self, trust: Trust) -> None:
        self._roots = [x509.Certificate.load(root) for root in trust.roots]
        self._settings: dict[str, Any] = {
            "trust_roots": self._roots,
            "allow_fetching": False,
            "revocation_mode": "require",
        }
        others = [x509.Certificate.load(other) for other in trust.intermediates]
        self._context = ValidationContext(other_certs=others, crls=list(trust.crls), **self._settings)

    def verify(self, path: Path) -> None:
        """Judge every signature now, with the CRLs at hand: B-B."""

        async def judge(_: Any, signature: Any) -> None:
            _require(await async_validate_pdf_signature(signature, self._context))

        _each(path, judge)

    def verify_long_term(self, path: Path) -> None:
        """Judge every signature and its time-stamp with the evidence in the file: B-LT."""

        async def judge(reader: Any, signature: Any) -> None:
            store: Any = DocumentSecurityStore.read_dss(reader)
            context = store.as_validation_context(self._settings)
            status = await async_validate_pdf_signature(signature, context)
            if status.timestamp_validity is None:
                raise RuntimeError("pyHanko does not judge the time-stamp")
            _require(status)

        _each(path, judge)

    def verify_archival(self, path: Path) -> None:
        """Judge every signature with the evidence and the proofs of existence in the file: B-LTA."""

        async def judge(_: Any, signature: Any) -> None:
            found = await ades_lta_validation(signature, self._archival)
            if found.ades_subindic != AdESPassed.OK:
                raise RuntimeError(f"pyHanko's AdES engine says {found.ades_subindic}: {found.failure_msg}")
            _require(found.api_status)

        _each(path, judge)

    @cached_property
    def _archival(self) -> PdfSignatureValidationSpec:
        build: Any = SimpleTrustManager.build
        policy = CertValidationPolicySpec(
            trust_manager=build(trust_roots=self._roots),
            revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
        )
        gathering = RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY)
        return PdfSignatureValidationSpec(SignatureValidationSpec(policy, gathering))


def _each(path: Path, judge: Callable[[Any, Any], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        with path.open("rb") as stream:
            reader: Any = PdfFileReader(stream)
            for signature in reader.embedded_regular_signatures:
                await judge(reader, signature)

    asyncio.run(run())


def _require(status: Any) -> None:
    if not status.bottom_line or status.modification_level is ModificationLevel.OTHER:
        raise RuntimeError(f"pyHanko does not pass this file: {status.summary()}")

"""Carry a signature up to its level: sign, stamp, prove, archive; or stop lower, if that is allowed."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from edoc.core.chain import ChainFacts
from edoc.core.ports import Holder
from edoc.errors import Refused, Unavailable
from edoc.pdf import signer
from edoc.pdf.document import Document
from edoc.pdf.files import Growing, Written
from edoc.signing.checks import Check
from edoc.signing.levels import LEVELS, add_long_term, add_timestamp, prove, reopen, require_proven
from edoc.signing.online import Online
from edoc.trust.chain import examine
from edoc.trust.fetch import Fetcher
from edoc.trust.store import Trust
from edoc.trust.timestamps import Stamp

Make = Callable[[signer.Stamper | None], None]
"""Appends the signature, stamped or not; appends nothing if it raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed(Written):
    """A signed file, and the evidence of what was checked before (TT 15/2025, S8)."""

    field: str
    level: str
    """`B-B`, `B-T`, `B-LT` or `B-LTA`: what was reached; less than asked for only if that was allowed."""
    signing_time: dt.datetime
    """As claimed in the signature, with its offset."""
    checks: tuple[Check, ...]
    chain: ChainFacts | None
    """The signer's path with the CRLs and OCSP answers that decided; None if checks were skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What is needed after the signature itself."""

    document: Document
    """As it was before."""
    output: BinaryIO
    growing: Growing
    """The same output, which holds the document."""
    holder: Holder
    at: dt.datetime
    online: Online
    trust: Trust | None
    fetcher: Fetcher | None
    chain: ChainFacts | None
    """The signer's path, if it has been examined."""

    def reach(self, make: Make, level: str, *, or_lower: bool) -> str:
        """Make the signature and raise it to `level`; give the level that was reached.

        Raises `Unavailable` or `Refused` if that cannot be done now, unless `or_lower` allows less.
        """
        stamps: list[Stamp] = []
        made = self._sign(make, level, stamps, or_lower=or_lower)
        steps: dict[str, Callable[[], None]] = {
            "B-LT": lambda: self._prove(stamps[-1]),
            "B-LTA": self._archive,
        }
        for step in LEVELS[2 : LEVELS.index(level) + 1]:
            if LEVELS.index(made) + 1 != LEVELS.index(step):
                break
            try:
                steps[step]()
            except (Unavailable, Refused):
                if not or_lower:
                    raise
                break
            made = step
        return made

    def _sign(self, make: Make, level: str, stamps: list[Stamp], *, or_lower: bool) -> str:
        def get(imprint: bytes) -> bytes:
            stamps.append(self.online.ask(imprint))
            return stamps[-1].token

        if level != LEVELS[0]:
            try:
                make(signer.Stamper(get, self.online.digest))
            except Unavailable:
                if not or_lower:
                    raise
            else:
                return LEVELS[1]
        make(None)
        return LEVELS[0]

    def _prove(self, stamp: Stamp) -> None:
        if self.trust is None:
            raise Refused("there is no proof without trusted roots.", advice="Give a trust store (--trust).")
        chain = self.chain or examine(
            self.holder.certificate,
            trust=self.trust,
            at=self.at,
            others=self.holder.chain,
            fetcher=self.fetcher,
        )
        require_proven(chain, "the signer", online=self.fetcher is not None)
        evidence = prove(chain, stamp, trust=self.trust, at=self.at, fetcher=self.fetcher)
        add_long_term(reopen(self.document, self.output), self.growing, evidence)

    def _archive(self) -> None:
        document = reopen(self.document, self.output)
        add_timestamp(document, self.growing, stamp=self.online.stamper)

"""Policies: what a signature must satisfy, as a value with a name and a hash.

Rules: closed by default; a policy is data and only answers what it says; its hash goes into every report, so
that nobody can judge under one policy and show another. `edoc.policies` reads them from TOML files.
"""

import dataclasses
import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Literal, NamedTuple

from edoc.core.chain import Algorithm, CertificateKind
from edoc.core.verdicts import Changes


class Retired(NamedTuple):
    """An algorithm that proves nothing of what was made from a day on (after ETSI TS 119 312)."""

    name: str
    """A digest (`sha1`), or what keys are of (`rsa`, `dsa`, `ec`)."""
    below_bits: int
    """Shorter keys are retired; 0 for a digest, which is retired as such."""
    since: dt.date
    """The first day, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a signature must satisfy. `docs/policies.md` explains each entry."""

    name: str
    version: int = 1
    trust_required: bool = True
    """A path to a trusted root must hold, revocation included; else only integrity is judged."""
    trust: tuple[str, ...] = ()
    """Files and folders of the trust store that belongs to this policy; used where none is given."""
    allowed_changes: Changes = Changes.FORM_FILLING
    """The worst kind of change that may follow a signature that itself permits it."""
    kinds: tuple[CertificateKind, ...] = ()
    """Whose certificates may sign; empty for all."""
    weak_digests: tuple[str, ...] = ()
    """Digest algorithms that prove nothing, whenever they were used."""
    minimal_rsa_bits: int = 0
    minimal_ec_bits: int = 0
    retired: tuple[Retired, ...] = ()
    """Algorithms that proved something until a day."""
    historic_digests: tuple[tuple[str, dt.date], ...] = ()
    """Digests that count in certificates and CRLs, if the time judged is proven and before the day."""
    revocation: Literal["covers_time", "issued_after"] = "covers_time"
    """Which CRLs and answers count for a proven time: those that cover it too, or only later ones.

    The latter also asks them to remember what expired, and for proof of those whose makers expired since.
    """
    missing_revocation: Literal["try_later", "ignore"] = "try_later"
    """What it means that nothing counts: the judgement waits, or only says so."""
    tolerance_seconds: int = 0
    """By how much clocks may differ."""
    timestamp_required: bool = False
    """Without proof of its time a signature does not pass."""
    strict: bool = False
    """What merely departs from the standards is a doubt too."""

    @property
    def tolerance(self) -> dt.timedelta:
        """By how much clocks may differ."""
        return dt.timedelta(seconds=self.tolerance_seconds)

    @property
    def sha256(self) -> str:
        """SHA-256 of the policy as canonical JSON, lower-case hex."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def find_weakness(self, algorithm: Algorithm, at: dt.datetime) -> str:
        """Say what was too weak already at the time `at`; empty if nothing was (EN 319 102-1, 5.2.8)."""
        weak = [algorithm.digest] if algorithm.digest in self.weak_digests else []
        minimum = {"rsa": self.minimal_rsa_bits, "ec": self.minimal_ec_bits}.get(algorithm.key, 0)
        if 0 < algorithm.bits < minimum:
            weak.append(f"{algorithm.key}, {algorithm.bits} bits")
        day = at.astimezone(dt.UTC).date()
        for name, below_bits, since in self.retired:
            fits = name == algorithm.digest or (name == algorithm.key and 0 < algorithm.bits < below_bits)
            if fits and day >= since:
                what = name if name == algorithm.digest else f"{name}, {algorithm.bits} bits"
                weak.append(f"{what}, since {since.isoformat()}")
        return "; ".join(weak)

    def list_historic(self, at: dt.datetime, *, proven: bool) -> frozenset[str]:
        """Give the digests that count in certificates and revocation data although they are weak by now."""
        day = at.astimezone(dt.UTC).date()
        return frozenset(name for name, until in self.historic_digests if proven and day < until)

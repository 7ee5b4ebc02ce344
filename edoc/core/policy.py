"""Policies: what a signature must satisfy, as a value with a name and a hash.

Rules: closed by default; a policy is data and decides nothing itself; its hash goes into every report, so
that nobody can judge under one policy and show another.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Final

from edoc.core.report import Changes
from edoc.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a signature must satisfy."""

    name: str
    trust_required: bool = True
    """A path to a trusted root must hold, revocation included; else only integrity is judged."""
    allowed_changes: Changes = Changes.FORM_FILLING
    """The worst kind of change that may follow a signature that itself permits it."""
    weak_digests: tuple[str, ...] = ()
    """Digest algorithms that prove nothing any more."""
    minimal_rsa_bits: int = 0
    minimal_ec_bits: int = 0

    @property
    def sha256(self) -> str:
        """SHA-256 of the policy as canonical JSON, lower-case hex."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


_WEAK: Final = ("md2", "md4", "md5", "sha1")

PRESETS: Final = {
    policy.name: policy
    for policy in (
        # NĐ 68/2024 Arts 29 to 32; algorithms as in TT 15/2025, Annex I.
        Policy(name="nd68", weak_digests=_WEAK, minimal_rsa_bits=2048, minimal_ec_bits=256),
        Policy(name="integrity", trust_required=False),
    )
}
"""The policies that edoc knows by name."""


def find_policy(policy: str | Policy) -> Policy:
    """The policy of that name, or the policy itself; raises `InputError` for an unknown name."""
    if isinstance(policy, Policy):
        return policy
    if policy not in PRESETS:
        raise InputError(
            f"there is no policy named {policy!r}.", advice=f"Use one of: {', '.join(sorted(PRESETS))}."
        )
    return PRESETS[policy]

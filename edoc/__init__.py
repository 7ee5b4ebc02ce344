"""edoc: sign, verify, package, exchange and keep the official documents of Vietnamese state agencies.

    key = edoc.load_key("certs-dev/a-person1.p12", passphrase=passphrase)
    edoc.prepare("draft.pdf", "ready.pdf")
    edoc.sign("ready.pdf", "signed.pdf", key=key, role="person", trust=trust)
    report = edoc.verify("signed.pdf", trust=edoc.Trust.load("certs-dev/trust"), offline=True)
    report.require()

This module is the one door: what it names is the promise. The rooms behind it are imported on first use, so
that a short command stays short.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edoc.core.dispatch import Dispatch as Dispatch
    from edoc.core.dispatch import StatusUpdate as StatusUpdate
    from edoc.core.report import Report as Report
    from edoc.errors import EdocError as EdocError
    from edoc.errors import NotVerified as NotVerified
    from edoc.keys.loading import load_key as load_key
    from edoc.node.node import Node as Node
    from edoc.packing import load_dispatch as load_dispatch
    from edoc.packing import load_status as load_status
    from edoc.packing import pack as pack
    from edoc.packing import pack_status as pack_status
    from edoc.packing import unpack as unpack
    from edoc.signing import Online as Online
    from edoc.signing import SigningState as SigningState
    from edoc.signing import Tsa as Tsa
    from edoc.signing import begin_signing as begin_signing
    from edoc.signing import complete_signing as complete_signing
    from edoc.signing import extend as extend
    from edoc.signing import number as number
    from edoc.signing import prepare as prepare
    from edoc.signing import sign as sign
    from edoc.signing import timestamp as timestamp
    from edoc.trust.store import Trust as Trust
    from edoc.verification import verify as verify

_ROOMS = {
    "Dispatch": "edoc.core.dispatch",
    "EdocError": "edoc.errors",
    "Node": "edoc.node.node",
    "Online": "edoc.signing",
    "NotVerified": "edoc.errors",
    "Report": "edoc.core.report",
    "SigningState": "edoc.signing",
    "StatusUpdate": "edoc.core.dispatch",
    "Trust": "edoc.trust.store",
    "Tsa": "edoc.signing",
    "begin_signing": "edoc.signing",
    "complete_signing": "edoc.signing",
    "extend": "edoc.signing",
    "load_dispatch": "edoc.packing",
    "load_key": "edoc.keys.loading",
    "load_status": "edoc.packing",
    "number": "edoc.signing",
    "pack": "edoc.packing",
    "pack_status": "edoc.packing",
    "prepare": "edoc.signing",
    "sign": "edoc.signing",
    "timestamp": "edoc.signing",
    "unpack": "edoc.packing",
    "verify": "edoc.verification",
}

__version__ = "0.1.0"
__all__ = sorted(_ROOMS)  # noqa: PLE0605 - one list, not two; a test proves each name


def __getattr__(name: str) -> Any:
    """Import the room of a public name on first use (PEP 562)."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'edoc' has no attribute {name!r}")
    value = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

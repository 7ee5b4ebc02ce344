"""The agency's seal: whether its certificate may sign now, and the seal itself.

The certificate's status is asked for again and again although a CRL at hand would do until its nextUpdate: a
key that was stolen this morning must not seal this afternoon (NĐ 68/2024 Arts 31 and 32).
"""

import time
from pathlib import Path

from edoc.core.chain import CertificateKind
from edoc.core.dispatch import Dispatch
from edoc.node.node import Node
from edoc.signing import check_certificate, sign


def require_certificate(node: Node) -> None:
    """Return if the seal's certificate may sign now.

    Raises `Refused` if it may not, `Unavailable` if nobody says now whether it was revoked.
    """
    now = time.monotonic()
    asking = now - node.seal_checked_at >= node.settings.seal.recheck_seconds
    with node.settings.online.make(node.folder) as online:
        check_certificate(
            node.seal_key,
            kind=CertificateKind.AGENCY,
            trust=node.trust,
            at=node.journal.clock(),
            fetcher=online.fetcher,
            asking=asking,
        )
    if asking:
        node.seal_checked_at = now


def seal(node: Node, dispatch: Dispatch, signed: Path) -> Path:
    """Fill number and date into the signed PDF and seal it; returns the sealed file, beside the signed one.

    Raises what `require_certificate` and `edoc.signing.sign` raise.
    """
    require_certificate(node)
    settings = node.settings.seal
    sealed = signed.with_name("sealed.pdf")
    code, issued = dispatch.code, dispatch.promulgation_info.promulgation_date
    assert issued is not None  # noqa: S101 - given together with the number
    first = () if settings.tsa is None else (settings.tsa,)
    with node.settings.online.make(node.folder, first=first) as online:
        sign(
            signed,
            sealed,
            key=node.seal_key,
            role="agency",
            number=int(code.code_number),
            notation=code.code_notation,
            date=issued,
            level=settings.level,
            image=None if settings.image is None else node.folder / settings.image,
            online=online,
            trust=node.trust,
        )
    return sealed

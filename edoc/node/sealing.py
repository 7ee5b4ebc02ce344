"""The agency's seal: whether its certificate may sign now, and the seal itself.

A revoked or expired certificate costs no number (NĐ 68/2024 Arts 31 and 32).
"""

from pathlib import Path

from edoc.core.chain import CertificateKind
from edoc.core.dispatch import Dispatch
from edoc.node.node import Node
from edoc.signing import check_certificate, sign


def require_certificate(node: Node) -> None:
    """Return if the seal's certificate may sign now.

    Raises `Refused` if it may not, `Unavailable` if nobody says now whether it was revoked.
    """
    check_certificate(
        node.seal_key,
        kind=CertificateKind.AGENCY,
        trust=node.trust,
        at=node.journal.clock(),
        fetcher=node.online.fetcher,
        freshness=node.online.freshness,
    )


def seal(node: Node, dispatch: Dispatch, signed: Path) -> Path:
    """Fill number and date into the signed PDF and seal it; returns the sealed file, beside the signed one.

    Its certificate is checked anew. Raises what `edoc.signing.sign` raises.
    """
    settings = node.settings.seal
    sealed = signed.with_name("sealed.pdf")
    code, issued = dispatch.code, dispatch.promulgation_info.promulgation_date
    assert issued is not None  # noqa: S101 - given together with the number
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
        online=node.online,
        trust=node.trust,
    )
    return sealed

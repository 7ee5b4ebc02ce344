"""Show a verification report as one self-contained HTML file to print and file; text is in `terminal`.

Rules: Vietnamese first, English beside it; the verdict in words as well as in colour; whoever reads it must
see at once if it rests on development certificates; whatever a document or certificate says is tamed and
escaped. Serves TT 15/2025 Art 6 (show issuer, signer, time, integrity and validity at signing; result in
Vietnamese).
"""

from functools import cache
from importlib.resources import files
from typing import Any

from edoc.core.chain import CertificateKind
from edoc.core.report import SCHEMA_VERSION, Report, SignatureReport
from edoc.render import words
from edoc.render.meanings import explain_file, explain_signature
from edoc.render.taming import tame
from edoc.render.terminal import to_text

__all__ = ["to_html", "to_text"]

_TEMPLATE = "report.html.j2"


def to_html(report: Report) -> str:
    """The report as one HTML file that needs nothing else, ready to print on A4."""
    rendered: str = _template().render(
        report=report,
        schema_version=SCHEMA_VERSION,
        describe=_describe,
        explain_file=explain_file,
        words=words,
    )
    return rendered


@cache
def _template() -> Any:
    """The page, compiled once: that takes ten times as long as filling it in."""
    # Late: who prints text does not wait for it.
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["tame"] = tame
    return environment.from_string(files("edoc.render").joinpath(_TEMPLATE).read_text(encoding="utf-8"))


def _describe(signature: SignatureReport) -> dict[str, Any]:
    """A signature in the words of the page."""
    kind = signature.signer.kind if signature.signer else CertificateKind.UNKNOWN
    names = {found.sha256: found.subject for found in signature.certificates}
    return {
        "verdict": words.INDICATIONS[signature.indication],
        "type": words.TYPES[signature.type],
        "kind": words.KINDS[kind],
        "coverage": words.COVERAGES[signature.coverage],
        "changes": words.CHANGES[signature.changes_after],
        "allowed": ("được phép", "permitted")
        if signature.changes_allowed
        else ("không được phép", "forbidden"),
        "source": words.SOURCES[signature.time_source],
        "intact": ("Còn nguyên vẹn", "intact") if signature.intact else ("Không toàn vẹn", "not intact"),
        "locked": ("Khóa văn bản", "locks the document") if signature.locked else None,
        "algorithm": _name_algorithm(signature),
        "meaning": explain_signature(signature),
        "names": names,
        "messages": [message for message in signature.messages if message.code != "DEV_TRUST"],
    }


def _name_algorithm(signature: SignatureReport) -> str:
    bits = f"{signature.key_bits} bit" if signature.key_bits else ""
    return ", ".join(filter(None, (signature.signature_algorithm, bits, signature.digest_algorithm))) or "–"

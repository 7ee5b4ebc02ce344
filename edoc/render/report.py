"""Show a verification report: one self-contained HTML file to print and file, or text on a terminal.

Rules: Vietnamese first, English below; the verdict in words as well as in colour; whoever reads it must see
at once if it rests on development certificates. Serves TT 15/2025 Art 6 (show issuer, signer, time,
integrity and validity at signing; result in Vietnamese).
"""

from datetime import datetime
from importlib.resources import files
from typing import Any, Final

import jinja2
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edoc.core.chain import CertificateKind
from edoc.core.messages import show_time
from edoc.core.report import (
    EXIT_FAILED,
    EXIT_INDETERMINATE,
    EXIT_PASSED,
    EXIT_UNREADABLE,
    EXIT_UNSIGNED,
    SCHEMA_VERSION,
    Changes,
    Coverage,
    FileReport,
    Indication,
    Report,
    Severity,
    SignatureReport,
    SignatureType,
    TimeSource,
)

Words = tuple[str, str]
"""Vietnamese and English."""

_VERDICTS: Final[dict[int, tuple[str, str, str]]] = {
    EXIT_PASSED: ("passed", "Hợp lệ", "Valid"),
    EXIT_FAILED: ("failed", "Không hợp lệ", "Not valid"),
    EXIT_INDETERMINATE: ("unsure", "Chưa đủ căn cứ kết luận", "Indeterminate"),
    EXIT_UNSIGNED: ("unsure", "Không có chữ ký số", "Not signed"),
    EXIT_UNREADABLE: ("failed", "Không đọc được tệp", "Unreadable"),
}
_RULE_FAILED: Final = ("failed", "Không đạt quy tắc văn bản", "Document rule not met")
_COLOURS: Final = {"passed": "green", "failed": "red", "unsure": "yellow"}
_INDICATIONS: Final = {
    Indication.TOTAL_PASSED: _VERDICTS[EXIT_PASSED],
    Indication.TOTAL_FAILED: _VERDICTS[EXIT_FAILED],
    Indication.INDETERMINATE: _VERDICTS[EXIT_INDETERMINATE],
}
_KINDS: Final[dict[CertificateKind, Words]] = {
    CertificateKind.PERSON: ("Cá nhân", "person"),
    CertificateKind.AGENCY: ("Cơ quan, tổ chức", "agency"),
    CertificateKind.SYSTEM: ("Thiết bị, dịch vụ, phần mềm", "device, service or software"),
    CertificateKind.UNKNOWN: ("Không xác định", "unknown"),
}
_TYPES: Final[dict[SignatureType, Words]] = {
    SignatureType.SIGNATURE: ("Chữ ký số", "Digital signature"),
    SignatureType.DOCUMENT_TIMESTAMP: ("Dấu thời gian", "Document time-stamp"),
}
_COVERAGES: Final[dict[Coverage, Words]] = {
    Coverage.WHOLE_FILE: ("Toàn bộ tệp", "the whole file"),
    Coverage.WHOLE_REVISION: ("Trọn vẹn một phiên bản", "a whole revision"),
    Coverage.PARTIAL: ("Không đầy đủ", "partial"),
}
_CHANGES: Final[dict[Changes, Words]] = {
    Changes.NONE: ("Không có", "none"),
    Changes.LTV_UPDATE: ("Bổ sung dữ liệu kiểm tra", "validation data"),
    Changes.FORM_FILLING: ("Điền trường hoặc ký thêm", "fields filled or signatures added"),
    Changes.ANNOTATION: ("Bổ sung chú thích", "annotations"),
    Changes.OTHER: ("Thay đổi khác", "other"),
}
_SOURCES: Final[dict[TimeSource, Words]] = {
    TimeSource.SIGNATURE_TIMESTAMP: ("theo dấu thời gian của chữ ký", "proven by the signature time-stamp"),
    TimeSource.DOCUMENT_TIMESTAMP: ("theo dấu thời gian của văn bản", "proven by a document time-stamp"),
    TimeSource.VALIDATION_TIME: ("thời điểm kiểm tra", "time of verification; nothing proves an earlier one"),
}
_MARKS: Final = {Severity.INFO: "✓", Severity.WARNING: "!", Severity.ERROR: "✗"}
_NEUTRAL: Final = frozenset({"TIME_NOT_PROVEN", "CHAIN_NOT_CHECKED"})
"""Remarks that are neither for nor against."""


def to_html(report: Report) -> str:
    """The report as one HTML file that needs nothing else, ready to print on A4."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(
        files("edoc.render").joinpath("report.html.j2").read_text(encoding="utf-8")
    )
    return template.render(
        report=report,
        schema_version=SCHEMA_VERSION,
        verdict=_judge_file,
        describe=_describe,
        mark=lambda message: "i" if message.code in _NEUTRAL else _MARKS[message.severity],
        show_time=_show_time,
        show_size=_show_size,
    )


def to_text(report: Report, console: Console) -> None:
    """Print the report on a terminal."""
    for file in report.files:
        colour, vietnamese, english = _judge_file(file)
        style = _COLOURS[colour]
        console.print(f"[bold {style}]{vietnamese} – {english}[/]  {escape(file.path)}", soft_wrap=True)
        if file.development:
            console.print("[bold white on red] CHỨNG THƯ THỬ NGHIỆM – DEVELOPMENT CERTIFICATES [/]")
        if file.signatures:
            console.print(_tabulate(file))
        for message in _list_reasons(file):
            console.print(
                f"  [{style}]{escape(message[0])}[/]\n  [dim]{escape(message[1])}[/]", soft_wrap=True
            )


def _judge_file(file: FileReport) -> tuple[str, str, str]:
    """Colour name and verdict in both languages."""
    if file.exit_code == EXIT_FAILED and file.indication is not Indication.TOTAL_FAILED:
        return _RULE_FAILED
    return _VERDICTS[file.exit_code]


def _describe(signature: SignatureReport) -> dict[str, Any]:
    """A signature in the words of the page."""
    colour, vietnamese, english = _INDICATIONS[signature.indication]
    kind = signature.signer.kind if signature.signer else CertificateKind.UNKNOWN
    return {
        "colour": colour,
        "verdict": (vietnamese, english),
        "type": _TYPES[signature.type],
        "kind": _KINDS[kind],
        "coverage": _COVERAGES[signature.coverage],
        "changes": _CHANGES[signature.changes_after],
        "allowed": ("được phép", "permitted")
        if signature.changes_allowed
        else ("không được phép", "forbidden"),
        "source": _SOURCES[signature.time_source],
        "intact": ("Còn nguyên vẹn", "intact") if signature.intact else ("Không toàn vẹn", "not intact"),
        "locked": ("Khóa văn bản", "locks the document") if signature.locked else None,
        "messages": [message for message in signature.messages if message.code != "DEV_TRUST"],
    }


def _show_time(time: datetime | None) -> str:
    return "–" if time is None else show_time(time)


def _show_size(size: int | None) -> str:
    return "–" if size is None else f"{size:,}".replace(",", ".") + " byte"


def _tabulate(file: FileReport) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for heading in (
        "Trường",
        "Người ký (signer)",
        "Kết luận (verdict)",
        "Mức (level)",
        "Thay đổi sau (after)",
    ):
        table.add_column(heading, overflow="fold")
    for signature in file.signatures:
        words = _describe(signature)
        owner = signature.signer.common_name if signature.signer else "–"
        style = _COLOURS[words["colour"]]
        sub = f"\n{signature.sub_indication}" if signature.sub_indication else ""
        table.add_row(
            escape(signature.field or "–"),
            f"{escape(owner)}\n[dim]{words['kind'][0]}, {_show_time(signature.claimed_time)}[/]",
            f"[{style}]{words['verdict'][0]}[/]{sub}",
            str(signature.level),
            words["changes"][0] + ("" if signature.changes_allowed else f"\n[red]{words['allowed'][0]}[/]"),
        )
    return table


def _list_reasons(file: FileReport) -> list[Words]:
    """Every reason against the file, then what the file itself has to remark; each once."""
    reasons = dict.fromkeys((reason.text_vi, reason.text) for reason in file.reasons)
    remarks = ((m.text_vi, m.text) for m in file.messages if m.code != "DEV_TRUST")
    return list(reasons | dict.fromkeys(remarks))

"""The words that reports use for what they show: Vietnamese first, English beside it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from edoc.core.chain import CertificateKind
from edoc.core.messages import show_time
from edoc.core.particulars import ChangeReport, EvidenceReport
from edoc.core.report import (
    EXIT_FAILED,
    EXIT_INDETERMINATE,
    EXIT_PASSED,
    EXIT_UNREADABLE,
    EXIT_UNSIGNED,
    Changes,
    Coverage,
    FileReport,
    Indication,
    Message,
    Severity,
    SignatureType,
    TimeSource,
)
from edoc.core.verdicts import EvidenceKind, Origin, StageResult
from edoc.render.taming import tame

Words = tuple[str, str]
"""Vietnamese and English."""


class Verdict(NamedTuple):
    """A verdict: the name of its colour, and its words."""

    colour: str
    vi: str
    en: str


VERDICTS: Final[dict[int, Verdict]] = {
    EXIT_PASSED: Verdict("passed", "Hợp lệ", "Valid"),
    EXIT_FAILED: Verdict("failed", "Không hợp lệ", "Not valid"),
    EXIT_INDETERMINATE: Verdict("unsure", "Chưa đủ căn cứ kết luận", "Indeterminate"),
    EXIT_UNSIGNED: Verdict("unsure", "Không có chữ ký số", "Not signed"),
    EXIT_UNREADABLE: Verdict("failed", "Không đọc được tệp", "Unreadable"),
}
_RULE_FAILED: Final = Verdict("failed", "Không đạt quy tắc văn bản", "Document rule not met")
INDICATIONS: Final = {
    Indication.TOTAL_PASSED: VERDICTS[EXIT_PASSED],
    Indication.TOTAL_FAILED: VERDICTS[EXIT_FAILED],
    Indication.INDETERMINATE: VERDICTS[EXIT_INDETERMINATE],
}
KINDS: Final[dict[CertificateKind, Words]] = {
    CertificateKind.PERSON: ("Cá nhân", "person"),
    CertificateKind.AGENCY: ("Cơ quan, tổ chức", "agency"),
    CertificateKind.SYSTEM: ("Thiết bị, dịch vụ, phần mềm", "device, service or software"),
    CertificateKind.UNKNOWN: ("Không xác định", "unknown"),
}
TYPES: Final[dict[SignatureType, Words]] = {
    SignatureType.SIGNATURE: ("Chữ ký số", "Digital signature"),
    SignatureType.DOCUMENT_TIMESTAMP: ("Dấu thời gian", "Document time-stamp"),
}
COVERAGES: Final[dict[Coverage, Words]] = {
    Coverage.WHOLE_FILE: ("Toàn bộ tệp", "the whole file"),
    Coverage.WHOLE_REVISION: ("Trọn vẹn một phiên bản", "a whole revision"),
    Coverage.PARTIAL: ("Không đầy đủ", "partial"),
}
CHANGES: Final[dict[Changes, Words]] = {
    Changes.NONE: ("Không có", "none"),
    Changes.LTV_UPDATE: ("Bổ sung dữ liệu kiểm tra", "validation data"),
    Changes.FORM_FILLING: ("Điền trường hoặc ký thêm", "fields filled or signatures added"),
    Changes.ANNOTATION: ("Bổ sung chú thích", "annotations"),
    Changes.OTHER: ("Thay đổi khác", "other"),
}
SOURCES: Final[dict[TimeSource, Words]] = {
    TimeSource.SIGNATURE_TIMESTAMP: ("theo dấu thời gian của chữ ký", "proven by the signature time-stamp"),
    TimeSource.DOCUMENT_TIMESTAMP: ("theo dấu thời gian của văn bản", "proven by a document time-stamp"),
    TimeSource.VALIDATION_TIME: ("thời điểm kiểm tra", "time of verification; nothing proves an earlier one"),
}
PIECES: Final[dict[EvidenceKind, Words]] = {
    EvidenceKind.CERTIFICATE: ("Chứng thư", "certificate"),
    EvidenceKind.CRL: ("Danh sách thu hồi (CRL)", "CRL"),
    EvidenceKind.OCSP: ("Trả lời OCSP", "OCSP answer"),
    EvidenceKind.TIME_STAMP: ("Dấu thời gian", "time-stamp"),
}
ORIGINS: Final[dict[Origin, Words]] = {
    Origin.EMBEDDED: ("trong tệp", "in the file"),
    Origin.TRUST_STORE: ("kho tin cậy", "trust store"),
    Origin.FETCHED: ("qua mạng", "network"),
}
RESULTS: Final[dict[StageResult | None, Words]] = {
    StageResult.PASSED: ("Đạt", "passed"),
    StageResult.FAILED: ("Không đạt", "failed"),
    StageResult.INDETERMINATE: ("Chưa xác định", "indeterminate"),
    None: ("Không đặt ra", "did not arise"),
}
STAGES: Final[dict[str, str]] = {
    "digest": "Giá trị băm",
    "format": "Cấu trúc chữ ký",
    "cryptography": "Chữ ký mật mã",
    "coverage": "Phạm vi ký",
    "changes": "Thay đổi sau khi ký",
    "certainty": "Mức độ chắc chắn",
    "time": "Thời điểm ký",
    "chain": "Chứng thư và trạng thái thu hồi",
    "algorithms": "Thuật toán",
}
"""The questions in Vietnamese; one that is not here is shown by its name."""
_MARKS: Final = {Severity.INFO: "✓", Severity.WARNING: "!", Severity.ERROR: "✗"}
_NEUTRAL: Final = frozenset({"TIME_NOT_PROVEN", "CHAIN_NOT_CHECKED"})
"""Remarks that are neither for nor against."""
MAX_TEXT: Final = 600
"""Characters of a message; its detail may quote the document."""


def judge_file(file: FileReport) -> Verdict:
    """A file's verdict."""
    if file.exit_code == EXIT_FAILED and file.indication is not Indication.TOTAL_FAILED:
        return _RULE_FAILED
    return VERDICTS[file.exit_code]


def mark(message: Message) -> str:
    """The sign before a message."""
    return "i" if message.code in _NEUTRAL else _MARKS[message.severity]


def say_message(message: Message) -> Words:
    """A message that can be shown."""
    return tame(message.text_vi, MAX_TEXT), tame(message.text, MAX_TEXT)


def say_change(change: ChangeReport) -> Words:
    """A change with where it was made."""
    vietnamese = CHANGES[change.kind][0]
    if change.field:
        vietnamese += f", trường {tame(change.field)}"
    if change.page is not None:
        vietnamese += f", trang {change.page}"
    return vietnamese, tame(change.text, MAX_TEXT)


def list_objects(change: ChangeReport, limit: int = 12) -> str:
    """Numbers of the objects that were written for a change."""
    more = len(change.objects) - limit
    numbers = ", ".join(map(str, change.objects[:limit]))
    return f"{numbers} … (+{more})" if more > 0 else numbers


def count_evidence(evidence: Iterable[EvidenceReport]) -> Words:
    """How much evidence of each kind there is."""
    counted = Counter(piece.kind for piece in evidence)
    found = [(counted[kind], PIECES[kind]) for kind in EvidenceKind if counted[kind]]
    return (
        ", ".join(f"{number} {words[0][0].lower()}{words[0][1:]}" for number, words in found),
        ", ".join(f"{number} {words[1]}{'s' if number > 1 else ''}" for number, words in found),
    )


def say_time(time: datetime | None) -> str:
    """A time in Việt Nam, or a dash."""
    return "–" if time is None else show_time(time)


def say_size(size: int | None) -> str:
    """A size in bytes, or a dash."""
    return "–" if size is None else f"{size:,}".replace(",", ".") + " byte"

"""The stable catalogue of what can go wrong in a step: is it tried again, and who acts.

Programs and operators go by the code; the error itself says what was found, and where. docs/errors.md is
written from this (`python -m edoc.core.failures`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edoc.errors import EdocError


class Actor(StrEnum):
    """Who has to do something about a failure."""

    OPERATOR = "operator"
    SENDER = "sender"
    CLERK = "clerk"
    PEER = "peer"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One kind of failure."""

    code: str
    retryable: bool
    """Whether it is tried again by itself until the task expires."""
    acts: Actor
    english: str
    vietnamese: str


def _entry(code: str, acts: Actor, english: str, vietnamese: str, *, retryable: bool = False) -> Failure:
    return Failure(code=code, retryable=retryable, acts=acts, english=english, vietnamese=vietnamese)


_A = Actor
_ENTRIES: Final = (
    _entry(
        "UNAVAILABLE",
        _A.OPERATOR,
        "Something outside is missing now: a disk, a server, a network.",
        "Tạm thời thiếu tài nguyên bên ngoài: ổ đĩa, máy chủ hoặc mạng.",
        retryable=True,
    ),
    _entry(
        "PEER_AWAY",
        _A.PEER,
        "The recipient, or the hub on the way to it, cannot be reached now.",
        "Hiện không kết nối được với nơi nhận hoặc trục liên thông.",
        retryable=True,
    ),
    _entry(
        "CLOCK_SKEWED",
        _A.OPERATOR,
        "This machine's clock is too far from the database's; it signs, numbers and sends nothing.",
        "Đồng hồ máy lệch quá nhiều so với cơ sở dữ liệu; máy ngừng ký, cấp số và gửi.",
        retryable=True,
    ),
    _entry(
        "UNRECONCILED",
        _A.OPERATOR,
        "The database is older than what was issued; no number is given until the registers are reconciled.",
        "Cơ sở dữ liệu cũ hơn các văn bản đã ban hành; ngừng cấp số cho đến khi đối chiếu xong sổ đăng ký.",
        retryable=True,
    ),
    _entry(
        "MACHINE",
        _A.OPERATOR,
        "The machine refused something: memory, a file, a process.",
        "Máy từ chối thao tác: bộ nhớ, tệp hoặc tiến trình.",
        retryable=True,
    ),
    _entry(
        "DEFECT",
        _A.OPERATOR,
        "The program met something it does not expect; after some attempts the document waits for a person.",
        "Chương trình gặp lỗi ngoài dự kiến; sau vài lần thử, văn bản chờ người xử lý.",
        retryable=True,
    ),
    _entry(
        "AXIS_REPLY_LOST",
        _A.PEER,
        "The hub's reply was lost on the way; the hub is asked before anything is sent again.",
        "Mất phản hồi của trục liên thông; hệ thống hỏi lại trục trước khi gửi lại.",
        retryable=True,
    ),
    _entry(
        "AXIS_BAD_REPLY",
        _A.PEER,
        "The hub replied with something that cannot be understood.",
        "Trục liên thông trả lời không hiểu được.",
        retryable=True,
    ),
    _entry(
        "AXIS_NOT_OFFERED",
        _A.PEER,
        "The hub does not offer an operation that is needed.",
        "Trục liên thông không cung cấp thao tác cần dùng.",
        retryable=True,
    ),
    _entry(
        "EXPIRED",
        _A.CLERK,
        "It was tried until its time ran out; the last reason stands in its history.",
        "Đã thử đến hết thời hạn; lý do cuối cùng nằm trong lịch sử.",
    ),
    _entry(
        "CRASHED",
        _A.OPERATOR,
        "Its worker died or was killed again and again; the document is quarantined.",
        "Tiến trình xử lý nhiều lần bị dừng đột ngột; văn bản bị cách ly.",
    ),
    _entry(
        "OVERTAKEN",
        _A.NOBODY,
        "Another worker took the step over; what this one did is dropped.",
        "Tiến trình khác đã tiếp nhận bước này; kết quả ở đây bị bỏ.",
    ),
    _entry(
        "OBJECT_DAMAGED",
        _A.OPERATOR,
        "Stored bytes no longer have their hash; restore them from a backup, then replay.",
        "Dữ liệu lưu trữ không còn đúng mã băm; khôi phục từ bản sao lưu rồi chạy lại.",
    ),
    _entry(
        "SETTINGS",
        _A.OPERATOR,
        "The node's configuration is missing or wrong.",
        "Cấu hình của nút thiếu hoặc sai.",
    ),
    _entry(
        "KEY_UNUSABLE",
        _A.OPERATOR,
        "A key, a certificate or a passphrase cannot be used.",
        "Không dùng được khóa, chứng thư số hoặc mật khẩu.",
    ),
    _entry(
        "CONFLICT",
        _A.OPERATOR,
        "The same identifier already stands for other content; nothing was changed.",
        "Mã định danh đã gắn với nội dung khác; không có gì bị thay đổi.",
    ),
    _entry(
        "AXIS_SIGNATURE",
        _A.OPERATOR,
        "The hub's call carries no valid signature.",
        "Lời gọi của trục liên thông không có chữ ký hợp lệ.",
    ),
    _entry(
        "NOT_VERIFIED",
        _A.SENDER,
        "The verification did not pass; the report holds every reason.",
        "Kiểm tra chữ ký không đạt; báo cáo nêu mọi lý do.",
    ),
    _entry(
        "PDF_UNREADABLE",
        _A.SENDER,
        "The PDF cannot be read: broken, encrypted or empty.",
        "Không đọc được tệp PDF: hỏng, mã hóa hoặc rỗng.",
    ),
    _entry("PACKAGE_UNREADABLE", _A.SENDER, "The package cannot be read.", "Không đọc được gói tin."),
    _entry(
        "REFUSED",
        _A.CLERK,
        "The law, the policy or the document's state forbids the act.",
        "Pháp luật, chính sách hoặc trạng thái văn bản không cho phép.",
    ),
    _entry(
        "INPUT",
        _A.CLERK,
        "A file or a value cannot be used as it is.",
        "Tệp hoặc giá trị không dùng được.",
    ),
    _entry(
        "ERROR",
        _A.OPERATOR,
        "An error without a kind of its own.",
        "Lỗi không thuộc loại nào.",
    ),
    _entry(
        "UNKNOWN",
        _A.OPERATOR,
        "It was set aside by an earlier version, which kept no code.",
        "Bị gác lại bởi phiên bản trước, không lưu mã lỗi.",
    ),
)
CATALOGUE: Final = {entry.code: entry for entry in _ENTRIES}


def failure_of(error: BaseException) -> Failure:
    """Return the entry that an error in a step maps to.

    A code of its own that has no entry (`edoc.edxml.refusals`) falls back on the error's kind.
    """
    if isinstance(error, EdocError):
        codes = (error.code, *(vars(kind).get("code", "") for kind in type(error).__mro__))
        return next(CATALOGUE[code] for code in codes if code in CATALOGUE)
    return CATALOGUE["MACHINE" if isinstance(error, OSError | MemoryError) else "DEFECT"]


def document() -> Iterator[str]:
    """Write docs/errors.md, line by line."""
    yield "# What can go wrong in a step"
    yield ""
    yield "Every failure of a step has one of these codes. Codes are stable; texts may improve. A failure"
    yield "that is tried again is repeated with growing pauses until its dispatch expires (`EXPIRED`); any"
    yield "other sets the task aside until somebody replays or discards it: `edoc dead-letters`."
    yield ""
    yield "| Code | Tried again | Who acts | What it means | Ý nghĩa |"
    yield "|---|---|---|---|---|"
    for entry in _ENTRIES:
        again = "yes" if entry.retryable else "no"
        yield f"| `{entry.code}` | {again} | {entry.acts} | {entry.english} | {entry.vietnamese} |"


if __name__ == "__main__":
    print("\n".join(document()))  # noqa: T201 - this is its purpose

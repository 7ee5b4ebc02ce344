"""What was repaired or left out while a package was read: never silent, always coded.

Codes are stable and are what programs read; texts are for people and may improve.
"""

from dataclasses import dataclass
from typing import Final

_CATALOGUE: Final[dict[str, tuple[str, str]]] = {
    "LEADING_JUNK": (
        "{detail} bytes before the XML were passed over; the reference library refuses the package.",
        "Có {detail} byte nằm trước phần XML và đã được bỏ qua; thư viện tham chiếu sẽ từ chối gói tin này.",
    ),
    "TRAILING_JUNK": (
        "{detail} bytes stand behind the end of the XML and were passed over.",
        "Có {detail} byte nằm sau phần XML và đã được bỏ qua.",
    ),
    "ENCODING_OTHER": (
        "The package is written in {detail}, not in UTF-8.",
        "Gói tin dùng bảng mã {detail}, không phải UTF-8.",
    ),
    "ENCODING_MISDECLARED": (
        "The package says that it is written in {detail}, and it is not; it was read as {other}.",
        "Gói tin khai báo bảng mã {detail} nhưng không đúng; đã được đọc theo {other}.",
    ),
    "DIALECT_OTHER": (
        "The package is not in the form of QCVN 102:2016 but in an older or home-made one: {detail}.",
        "Gói tin không theo QCVN 102:2016 mà theo dạng cũ hoặc dạng tự đặt: {detail}.",
    ),
    "PREFIX_UNBOUND": (
        "The prefix '{detail}' is not bound to a namespace; strict readers refuse the package.",
        "Tiền tố '{detail}' chưa được khai báo không gian tên; phần mềm đọc chặt sẽ từ chối gói tin này.",
    ),
    "NAMESPACE_OTHER": (
        "The envelope is not in the namespace of QCVN 102:2016 but in '{detail}'.",
        "Phần vỏ không thuộc không gian tên của QCVN 102:2016 mà thuộc '{detail}'.",
    ),
    "ELEMENT_RENAMED": (
        "The element is called '{detail}' here; it was read all the same.",
        "Thẻ mang tên '{detail}'; nội dung vẫn được đọc.",
    ),
    "ELEMENT_IGNORED": (
        "The element '{detail}' is not of the format, and too large to be kept.",
        "Thẻ '{detail}' không thuộc định dạng và quá lớn nên bị bỏ qua.",
    ),
    "ELEMENT_KEPT": (
        "The element '{detail}' is not of the format, or stands here again; it was kept as it is.",
        "Thẻ '{detail}' không thuộc định dạng hoặc bị lặp lại; được giữ nguyên.",
    ),
    "ATTRIBUTE_IGNORED": (
        "The attribute '{detail}' is not of the format, and too large to be kept.",
        "Thuộc tính '{detail}' không thuộc định dạng và quá lớn nên bị bỏ qua.",
    ),
    "ATTRIBUTE_KEPT": (
        "The attribute '{detail}' is not of the format; it was kept as it is.",
        "Thuộc tính '{detail}' không thuộc định dạng; được giữ nguyên.",
    ),
    "TEXT_IGNORED": (
        "The text '{detail}' stands between elements and was left out.",
        "Đoạn chữ '{detail}' nằm giữa các thẻ nên bị bỏ qua.",
    ),
    "STATUS_CODE_UNKNOWN": (
        "The status code '{detail}' is none of those that are agreed.",
        "Mã trạng thái '{detail}' không thuộc danh mục đã thống nhất.",
    ),
    "VALUE_MISSING": ("'{detail}' is missing.", "Thiếu '{detail}'."),
    "INTEGER_UNREADABLE": (
        "'{detail}' is not a whole number; the usual value was taken instead.",
        "'{detail}' không phải là số nguyên; giá trị thông thường được dùng thay.",
    ),
    "INTEGER_PADDED": (
        "The number has white space around it, for which the reference library refuses the package.",
        "Số có khoảng trắng bao quanh; thư viện tham chiếu sẽ từ chối gói tin này.",
    ),
    "BOOLEAN_UNREADABLE": (
        "'{detail}' is neither true nor false; it was read as false.",
        "'{detail}' không phải true hoặc false; được đọc là false.",
    ),
    "DATE_FORM": (
        "The date or time is not written as the regulation says; it was read as {detail}.",
        "Ngày giờ không viết theo quy chuẩn; được đọc là {detail}.",
    ),
    "DATE_MISREAD": (
        "The date or time was read as {detail}; the reference library reads {other}.",
        "Ngày giờ được đọc là {detail}; thư viện tham chiếu đọc thành {other}.",
    ),
    "DATE_UNREADABLE": (
        "'{detail}' is no date or time and was left out; the reference library reads {other}.",
        "'{detail}' không phải ngày giờ nên bị bỏ qua; thư viện tham chiếu đọc thành {other}.",
    ),
    "SIGNATURE_NOT_EVIDENCE": (
        "The envelope carries a signature; it proves nothing, the signatures inside the attachments do.",
        "Phần vỏ có chữ ký nhưng không có giá trị chứng minh; chữ ký trong tệp đính kèm mới có giá trị.",
    ),
    "CONTENT_ID_FORM": (
        "The attachment's id is written '{detail}'; the repeated 'cid:' was taken off.",
        "Mã tệp đính kèm được viết là '{detail}'; phần 'cid:' lặp lại đã được bỏ.",
    ),
    "CONTENT_ID_TWICE": (
        "Two attachments have the id '{detail}'.",
        "Hai tệp đính kèm cùng mang mã '{detail}'.",
    ),
    "CONTENT_ID_FROM_MANIFEST": (
        "The attachment has no id of its own; the manifest calls it '{detail}'.",
        "Tệp đính kèm không có mã riêng; danh mục ghi mã '{detail}'.",
    ),
    "ATTACHMENTS_ELSEWHERE": (
        "The attachments stand in '{detail}', where the reference library does not see them.",
        "Tệp đính kèm nằm trong '{detail}', nơi thư viện tham chiếu không nhìn thấy.",
    ),
    "MANIFEST_DIFFERS": (
        "The manifest and the attachments do not name the same ids: {detail}.",
        "Danh mục và các tệp đính kèm không khớp mã: {detail}.",
    ),
    "DIGEST_DIFFERS": (
        "The attachment '{detail}' is not the one that was packed: its SHA-256 is another.",
        "Tệp đính kèm '{detail}' không phải là tệp đã được đóng gói: giá trị băm SHA-256 không khớp.",
    ),
    "DIGEST_MISSING": (
        "The attachment '{detail}' was not there when the package was made.",
        "Tệp đính kèm '{detail}' không có trong gói tin lúc được tạo.",
    ),
    "DIGEST_WITHOUT_ATTACHMENT": (
        "The attachment with the id '{detail}' was there when the package was made, and is not now.",
        "Tệp đính kèm mang mã '{detail}' có trong gói tin lúc được tạo nhưng nay không còn.",
    ),
    "NAME_FROM_MANIFEST": (
        "The attachment has no name of its own; the manifest calls it '{detail}'.",
        "Tệp đính kèm không có tên riêng; danh mục gọi tệp là '{detail}'.",
    ),
    "NAME_MADE_SAFE": (
        "The attachment's name is not safe as a file name; it was written as '{detail}'.",
        "Tên tệp đính kèm không an toàn để làm tên tệp; tệp được ghi là '{detail}'.",
    ),
    "NAME_HIDES": (
        "The attachment's name holds characters that cannot be seen or turn it around: {detail}",
        "Tên tệp đính kèm có ký tự ẩn hoặc ký tự đảo chiều: {detail}",
    ),
    "BASE64_REPAIRED": (
        "The content is not proper Base64; what could not belong to it was skipped.",
        "Nội dung không đúng Base64; phần không hợp lệ đã được bỏ qua.",
    ),
    "CONTENT_MISSING": ("The attachment has no content.", "Tệp đính kèm không có nội dung."),
    "CONTENT_UNWRAPPED": (
        "The content was zipped although it is labelled '{detail}'; it was taken out of the zip.",
        "Nội dung được nén zip dù có nhãn '{detail}'; đã lấy tệp bên trong ra.",
    ),
    "CONTENT_PLAIN": (
        "The content is labelled as a zip of transport and is none; the reference library takes it apart.",
        "Nội dung có nhãn tệp zip trung chuyển nhưng không phải; thư viện tham chiếu sẽ làm hỏng tệp này.",
    ),
    "CONTENT_ZIP_DAMAGED": (
        "The zip around the content cannot be opened ({detail}); the zip itself was kept.",
        "Không mở được tệp zip bọc nội dung ({detail}); giữ nguyên tệp zip.",
    ),
    "CONTENT_MISMATCH": (
        "The content is not what the name '{detail}' says.",
        "Nội dung không đúng loại như tên '{detail}'.",
    ),
    "CONTENT_DESTROYED": (
        "The PDF was destroyed before it was packed: its bytes went through a text conversion.",
        "Tệp PDF đã hỏng từ trước khi đóng gói: dữ liệu bị chuyển đổi như văn bản.",
    ),
    "LABEL_DIFFERS": (
        "The content is not what its label '{detail}' says.",
        "Nội dung không đúng loại như nhãn '{detail}'.",
    ),
    "MACROS_FOUND": (
        "The attachment carries macros ({detail}); do not let them run.",
        "Tệp đính kèm có macro ({detail}); không cho phép chạy.",
    ),
    "SCRIPT_FOUND": (
        "The attachment is or carries a script ({detail}); it could act when it is opened.",
        "Tệp đính kèm là hoặc có chứa mã kịch bản ({detail}); có thể tự chạy khi mở.",
    ),
    "PROGRAM_FOUND": (
        "The attachment is a program ({detail}); do not start it.",
        "Tệp đính kèm là chương trình ({detail}); không được chạy.",
    ),
    "ARCHIVE_HOLDS_PROGRAM": (
        "The archive holds a program: {detail}.",
        "Tệp nén có chứa chương trình: {detail}.",
    ),
    "ARCHIVE_EXPANDS": (
        "The archive says that it expands to {detail} bytes; it may be a bomb.",
        "Tệp nén khai báo bung ra thành {detail} byte; có thể là bom nén.",
    ),
    "ARCHIVE_UNREAD": (
        "The archive's list of files cannot be read, so nobody looked into it.",
        "Không đọc được danh sách tệp trong tệp nén nên chưa kiểm tra bên trong.",
    ),
    "CONTENT_ENCRYPTED": (
        "The attachment is encrypted, so nobody could look into it.",
        "Tệp đính kèm bị mã hóa nên không kiểm tra được bên trong.",
    ),
}

CODES: Final = frozenset(_CATALOGUE)
CHANGES: Final = frozenset({"DIGEST_DIFFERS", "DIGEST_MISSING", "DIGEST_WITHOUT_ATTACHMENT"})
"""An attachment was changed, added or taken out after the package was made."""
DANGERS: Final = frozenset(
    (
        *("MACROS_FOUND", "SCRIPT_FOUND", "PROGRAM_FOUND", "ARCHIVE_HOLDS_PROGRAM", "ARCHIVE_EXPANDS"),
        *("NAME_HIDES",),
    )
)
"""Opening an attachment may do harm."""
REPAIRS: Final = frozenset(
    (
        *("LEADING_JUNK", "TRAILING_JUNK", "ENCODING_MISDECLARED", "PREFIX_UNBOUND", "NAMESPACE_OTHER"),
        *(
            "ELEMENT_RENAMED",
            "ATTACHMENTS_ELSEWHERE",
            "VALUE_MISSING",
            "INTEGER_UNREADABLE",
            "INTEGER_PADDED",
        ),
        *("BOOLEAN_UNREADABLE", "DATE_FORM", "DATE_MISREAD", "DATE_UNREADABLE", "CONTENT_ID_FORM"),
        *("CONTENT_ID_FROM_MANIFEST", "NAME_FROM_MANIFEST", "NAME_MADE_SAFE", "BASE64_REPAIRED"),
        *("CONTENT_UNWRAPPED",),
    )
)
"""Something was read otherwise than it stands there, or guessed; all other codes only note what is there."""
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageWarning:
    """One repair, loss or danger: its code, what it says in both languages, and where in the package."""

    code: str
    text: str
    text_vi: str
    where: str
    detail: str = ""
    """The name, value or form that it is about."""


class Findings:
    """Collects warnings while a package is read; a flood of one kind is cut off."""

    def __init__(self, *, most: int = 100) -> None:
        self._found: list[PackageWarning] = []
        self._counts: dict[str, int] = {}
        self._most = most

    def add(self, code: str, where: str, detail: str = "", other: str = "") -> None:
        """Note one; of each code only the first hundred are kept."""
        self._counts[code] = self._counts.get(code, 0) + 1
        if self._counts[code] > self._most:
            return
        detail, other = _shorten(detail), _shorten(other)
        text, text_vi = (words.format(detail=detail, other=other) for words in _CATALOGUE[code])
        self._found.append(PackageWarning(code=code, text=text, text_vi=text_vi, where=where, detail=detail))

    @property
    def warnings(self) -> tuple[PackageWarning, ...]:
        """What was noted, in the order it was found."""
        return tuple(self._found)


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

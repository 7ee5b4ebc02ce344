"""What was repaired or left out while a package was read: never silent, always coded.

Codes are stable and are what programs read; texts are for people and may improve.
"""

from dataclasses import dataclass
from typing import Final

_CATALOGUE: Final[dict[str, tuple[str, str]]] = {
    "NAMESPACE_OTHER": (
        "The envelope is not in the namespace of QCVN 102:2016 but in '{detail}'.",
        "Phần vỏ không thuộc không gian tên của QCVN 102:2016 mà thuộc '{detail}'.",
    ),
    "ELEMENT_RENAMED": (
        "The element is called '{detail}' here; it was read all the same.",
        "Thẻ mang tên '{detail}'; nội dung vẫn được đọc.",
    ),
    "ELEMENT_IGNORED": (
        "The element '{detail}' is unknown, repeated or empty here and was left out.",
        "Thẻ '{detail}' lạ, lặp lại hoặc rỗng tại vị trí này nên bị bỏ qua.",
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
    "DATE_UNREADABLE": (
        "'{detail}' is no date or time and was left out.",
        "'{detail}' không phải ngày giờ nên bị bỏ qua.",
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
    "MANIFEST_DIFFERS": (
        "The manifest and the attachments do not name the same ids: {detail}.",
        "Danh mục và các tệp đính kèm không khớp mã: {detail}.",
    ),
    "NAME_FROM_MANIFEST": (
        "The attachment has no name of its own; the manifest calls it '{detail}'.",
        "Tệp đính kèm không có tên riêng; danh mục gọi tệp là '{detail}'.",
    ),
    "NAME_MADE_SAFE": (
        "The attachment's name is not safe as a file name; it was written as '{detail}'.",
        "Tên tệp đính kèm không an toàn để làm tên tệp; tệp được ghi là '{detail}'.",
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
}

CODES: Final = frozenset(_CATALOGUE)
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageWarning:
    """One repair or loss: its code, what it says in both languages, and where in the package."""

    code: str
    text: str
    text_vi: str
    where: str


class Findings:
    """Collects warnings while a package is read; a flood of one kind is cut off."""

    def __init__(self, *, most: int = 100) -> None:
        self._found: list[PackageWarning] = []
        self._counts: dict[str, int] = {}
        self._most = most

    def add(self, code: str, where: str, detail: str = "") -> None:
        """Note one; of each code only the first hundred are kept."""
        self._counts[code] = self._counts.get(code, 0) + 1
        if self._counts[code] > self._most:
            return
        shown = detail if len(detail) <= _SHOWN else f"{detail[:_SHOWN]}…"
        text, text_vi = (words.format(detail=shown) for words in _CATALOGUE[code])
        self._found.append(PackageWarning(code=code, text=text, text_vi=text_vi, where=where))

    @property
    def warnings(self) -> tuple[PackageWarning, ...]:
        """What was noted, in the order it was found."""
        return tuple(self._found)

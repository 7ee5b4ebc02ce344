"""Why a package is refused: the stable codes of `PackageError`, with what each means in both languages.

Programs read the code; the error itself says what was found, and in which line and element.
"""

from typing import Final

REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "PACKAGE_UNREADABLE": ("The package cannot be read.", "Không đọc được gói tin."),
    "PACKAGE_EMPTY": ("The file is empty.", "Tệp rỗng."),
    "PACKAGE_TOO_LARGE": ("The package is too large.", "Gói tin quá lớn."),
    "PACKAGE_NOT_STRICT": (
        "The package is not as edoc would write it.",
        "Gói tin không giống gói tin do edoc tạo ra.",
    ),
    "XML_MALFORMED": ("It is not well-formed XML.", "Nội dung không phải XML hợp lệ."),
    "XML_ENCODING": ("Its text cannot be decoded.", "Không giải mã được bảng mã của văn bản."),
    "XML_DTD": ("It carries a DTD.", "Gói tin chứa DTD."),
    "XML_TOO_DEEP": ("Its elements are nested too deep.", "Các thẻ lồng nhau quá sâu."),
    "XML_TOO_MANY_ELEMENTS": ("It has too many elements.", "Có quá nhiều thẻ."),
    "XML_TOO_MANY_ATTRIBUTES": ("An element has too many attributes.", "Một thẻ có quá nhiều thuộc tính."),
    "XML_TOO_MUCH_TEXT": ("It has too much text outside attachments.", "Phần văn bản ngoài tệp quá lớn."),
    "XML_TOKEN_TOO_LONG": ("A tag or comment is too long.", "Một thẻ hoặc chú thích quá dài."),
    "MIME_MALFORMED": ("Its MIME parts cannot be told apart.", "Không tách được các phần MIME."),
    "NOT_EDXML": ("It is no edXML package.", "Đây không phải gói tin edXML."),
    "ELEMENT_MISSING": ("An element without which nothing can be read is missing.", "Thiếu thẻ bắt buộc."),
    "STATUS_CODE_EMPTY": ("A status without a code.", "Gói trạng thái không có mã."),
    "ATTACHMENTS_TOO_MANY": ("There are too many attachments.", "Có quá nhiều tệp đính kèm."),
    "ATTACHMENT_TOO_LARGE": ("An attachment is too large.", "Một tệp đính kèm quá lớn."),
    "ATTACHMENTS_TOO_LARGE": ("The attachments together are too large.", "Tổng tệp đính kèm quá lớn."),
    "ATTACHMENT_NAMES": ("Too many files have the same name.", "Quá nhiều tệp trùng tên."),
    "ZIP_EXPANDS": ("A zip expands too far.", "Tệp zip bung ra quá lớn."),
    "ZIP_NESTED": ("Zips are nested too deep.", "Tệp zip lồng nhau quá nhiều lớp."),
    "EXECUTABLE_REFUSED": ("An attachment is a program.", "Tệp đính kèm là chương trình thực thi."),
    "ATTACHMENT_REFUSED": (
        "An attachment is of a kind that is not taken here.",
        "Tệp đính kèm thuộc loại không được tiếp nhận.",
    ),
}

OF_ADMISSION: Final = frozenset({"EXECUTABLE_REFUSED", "ATTACHMENT_REFUSED"})
"""Refused over what it carries: the package itself can be read, and its sender answered."""

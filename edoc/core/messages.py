"""The catalogue of everything a report can say: code, weight, English, Vietnamese.

Rules: codes are stable and are what programs read; texts are for people and may improve; words must be fit
for a court and for a letter of refusal. `{names}` stand for facts.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from edoc.core.report import Message, Severity
from edoc.core.zone import VIETNAM

_INFO, _WARNING, _ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR


@dataclass(frozen=True, slots=True)
class Entry:
    """One message in both languages."""

    severity: Severity
    text: str
    text_vi: str


CATALOGUE: Final[dict[str, Entry]] = {
    # The file
    "FILE_MISSING": Entry(
        _ERROR,
        "The file cannot be opened: {detail}.",
        "Không mở được tệp.",
    ),
    "FILE_EMPTY": Entry(_ERROR, "The file is empty (0 bytes).", "Tệp rỗng (0 byte)."),
    "FILE_TOO_LARGE": Entry(
        _ERROR,
        "The file is larger than the limit of {detail} bytes.",
        "Tệp vượt quá giới hạn {detail} byte.",
    ),
    "FILE_NOT_PDF": Entry(
        _ERROR,
        "The file is no PDF, nor of another kind that is verified (edXML, detached signature, time-stamp).",
        "Tệp không phải PDF, cũng không thuộc loại khác mà hệ thống kiểm tra được "
        "(edXML, chữ ký tách rời, dấu thời gian).",
    ),
    "PACKAGE_UNREADABLE": Entry(
        _ERROR,
        "The edXML package cannot be read: {detail}",
        "Không đọc được gói tin edXML.",
    ),
    "PACKAGE_NOT_SIGNED": Entry(
        _INFO,
        "The package carries no XML signature of its own; its documents are judged by theirs.",
        "Gói tin không có chữ ký XML; các văn bản bên trong được xét theo chữ ký của chính chúng.",
    ),
    "PACKAGE_REPAIRED": Entry(
        _WARNING,
        "The package departs from the regulation and was read leniently: {detail}.",
        "Gói tin không hoàn toàn đúng quy chuẩn và được đọc ở chế độ dung sai: {detail}.",
    ),
    "PACKAGE_NOTED": Entry(
        _WARNING,
        "Something in the package deserves attention: {detail}.",
        "Gói tin có điểm cần lưu ý: {detail}.",
    ),
    "ATTACHMENT_CHANGED": Entry(
        _WARNING,
        "The attachment '{detail}' was changed, added or taken out after the package was made.",
        "Tệp đính kèm “{detail}” đã bị thay đổi, thêm vào hoặc lấy ra sau khi gói tin được tạo.",
    ),
    "ATTACHMENT_DANGEROUS": Entry(
        _WARNING,
        "An attachment could do harm when it is opened: {detail}.",
        "Có tệp đính kèm có thể gây hại khi mở: {detail}.",
    ),
    "ATTACHMENT_NOT_JUDGED": Entry(
        _WARNING,
        "The attachment '{detail}' is no PDF; signatures inside it were not looked for.",
        "Tệp đính kèm “{detail}” không phải PDF; hệ thống không tìm chữ ký bên trong tệp này.",
    ),
    "XML_SIGNATURE_FOREIGN": Entry(
        _WARNING,
        "The package holds an element called a signature that is not one by XMLDSig (namespace '{detail}'); "
        "it proves nothing and was not judged.",
        "Gói tin có thẻ mang tên chữ ký nhưng không theo chuẩn XMLDSig (không gian tên '{detail}'); "
        "thẻ này không có giá trị chứng minh và không được xét.",
    ),
    "PDF_BROKEN": Entry(
        _ERROR,
        "The PDF is damaged and cannot be read ({detail}).",
        "Tệp PDF bị hỏng, không đọc được.",
    ),
    "PASSWORD_NEEDED": Entry(
        _ERROR,
        "The PDF is encrypted; give its password.",
        "Tệp PDF được mã hóa; cần cung cấp mật khẩu.",
    ),
    "PASSWORD_WRONG": Entry(
        _ERROR,
        "The PDF is encrypted and the password given does not open it.",
        "Tệp PDF được mã hóa và mật khẩu đã cung cấp không đúng.",
    ),
    "LIMIT_TIME": Entry(
        _ERROR,
        "Judging the file was stopped: it took longer than the limit ({detail}).",
        "Đã dừng kiểm tra tệp: vượt quá giới hạn thời gian ({detail}).",
    ),
    "LIMIT_MEMORY": Entry(
        _ERROR,
        "Judging the file was stopped: it needed more memory than the limit ({detail} MiB).",
        "Đã dừng kiểm tra tệp: vượt quá giới hạn bộ nhớ ({detail} MiB).",
    ),
    "LIMIT_DEPTH": Entry(
        _ERROR,
        "Judging the file was stopped: its parts are nested deeper than the limit ({detail}).",
        "Đã dừng kiểm tra tệp: các thành phần lồng nhau quá giới hạn ({detail}).",
    ),
    "LIMIT_RESULT": Entry(
        _ERROR,
        "The file was judged, but the result is larger than the limit ({detail}).",
        "Đã kiểm tra tệp nhưng kết quả vượt quá giới hạn dung lượng ({detail}).",
    ),
    "JUDGING_CRASHED": Entry(
        _ERROR,
        "Judging the file failed: the judging process came to an abnormal end ({detail}).",
        "Không kiểm tra được tệp: tiến trình kiểm tra kết thúc bất thường ({detail}).",
    ),
    "EVIDENCE_OF_OTHERS": Entry(
        _WARNING,
        "The saved evidence was not drawn up for this file; the file may have been changed since.",
        "Hồ sơ chứng cứ đã lưu không được lập cho tệp này; tệp có thể đã bị thay đổi sau đó.",
    ),
    "UNSIGNED": Entry(_ERROR, "The file carries no digital signature.", "Tệp không có chữ ký số."),
    "READ_LENIENTLY": Entry(
        _WARNING,
        "The file departs from the PDF standard and was read leniently.",
        "Tệp không hoàn toàn tuân thủ chuẩn PDF và được đọc ở chế độ dung sai.",
    ),
    "READ_REPAIRED": Entry(
        _WARNING,
        "The file's cross-references are damaged ({detail}); its objects were looked for in the bytes.",
        "Bảng tham chiếu chéo của tệp bị hỏng ({detail}); các đối tượng được tìm trực tiếp trong dữ liệu.",
    ),
    "TIMESTAMP_MISTYPED": Entry(
        _WARNING,
        "Field {detail} holds a time-stamp that is declared to be a signature; it was ignored.",
        "Trường {detail} chứa dấu thời gian nhưng khai báo là chữ ký; hệ thống đã bỏ qua.",
    ),
    "SIGNATURE_EMPTY": Entry(
        _WARNING,
        "Signature field {detail} was reserved but never signed.",
        "Trường chữ ký {detail} đã được dành chỗ nhưng chưa được ký.",
    ),
    "DEV_TRUST": Entry(
        _WARNING,
        "DEVELOPMENT CERTIFICATES: this result rests on development roots and proves nothing "
        "in the real world.",
        "CHỨNG THƯ THỬ NGHIỆM: kết quả này dựa trên chứng thư gốc dùng để phát triển, "
        "không có giá trị pháp lý.",
    ),
    # The form of a signature
    "SIGNATURE_UNREADABLE": Entry(
        _ERROR,
        "The signature cannot be read ({detail}).",
        "Không đọc được chữ ký số.",
    ),
    "SIGNATURE_UNREACHABLE": Entry(
        _ERROR,
        "Unreachable signature: the file contains a signature that no signature field refers to ({detail}).",
        "Chữ ký không truy cập được: tệp chứa chữ ký số không gắn với trường chữ ký nào.",
    ),
    "BYTE_RANGE_BAD": Entry(
        _ERROR,
        "The signed byte range {detail} is not two parts that begin at the first byte.",
        "Phạm vi byte được ký {detail} không gồm hai phần bắt đầu từ byte đầu tiên.",
    ),
    "GAP_NOT_CONTENTS": Entry(
        _ERROR,
        "What the signature leaves out is not exactly its own value.",
        "Phần không được ký không trùng khớp với chính giá trị chữ ký.",
    ),
    "REVISION_NOT_COVERED": Entry(
        _ERROR,
        "The signature does not cover a whole revision of the document ({detail}).",
        "Chữ ký không bao phủ trọn vẹn một phiên bản của văn bản.",
    ),
    "BYTES_UNEXPLAINED": Entry(
        _ERROR,
        "After the signed content stand bytes that belong to no accepted revision: {detail}.",
        "Sau nội dung đã ký có dữ liệu không thuộc phiên bản hợp lệ nào.",
    ),
    "XML_SIGNATURE_MALFORMED": Entry(
        _ERROR,
        "The XML signature is malformed: {detail}.",
        "Chữ ký XML sai cấu trúc.",
    ),
    "XML_SIGNATURE_FORBIDDEN": Entry(
        _ERROR,
        "The XML signature uses what is not permitted here: {detail}.",
        "Chữ ký XML dùng cách thức không được phép: {detail}.",
    ),
    "XML_REFERENCE_EXTERNAL": Entry(
        _ERROR,
        "The XML signature signs something outside the package's text ('{detail}'), which is not fetched.",
        "Chữ ký XML tham chiếu tới dữ liệu bên ngoài gói tin ('{detail}'); hệ thống không truy xuất.",
    ),
    "XML_REFERENCE_AMBIGUOUS": Entry(
        _ERROR,
        "What the XML signature refers to is not exactly one element of the package ({detail}).",
        "Tham chiếu trong chữ ký XML không chỉ đúng một phần tử của gói tin ({detail}).",
    ),
    "XML_SIGNED_ELSEWHERE": Entry(
        _ERROR,
        "What the XML signature signs is not what is read as the package's content ({detail}).",
        "Phần được ký không phải là nội dung được đọc của gói tin ({detail}).",
    ),
    "XML_COVERS_PART": Entry(
        _ERROR,
        "The XML signature covers only a part of the package; not signed: {detail}.",
        "Chữ ký XML chỉ bao phủ một phần gói tin; phần chưa được ký: {detail}.",
    ),
    "XML_UNCANONICAL": Entry(
        _ERROR,
        "The XML signature cannot be computed, for the package has no canonical form: {detail}.",
        "Không tính được chữ ký XML vì gói tin không có dạng chuẩn tắc.",
    ),
    "XML_PROPERTIES_UNSIGNED": Entry(
        _WARNING,
        "The XML signature carries properties (XAdES) that it does not sign; they were ignored.",
        "Chữ ký XML kèm các thuộc tính (XAdES) không được ký; hệ thống đã bỏ qua.",
    ),
    "CMS_MALFORMED": Entry(
        _ERROR,
        "The signature value is malformed: {detail}.",
        "Giá trị chữ ký sai cấu trúc.",
    ),
    "ATTRIBUTES_NOT_DER": Entry(
        _ERROR,
        "The signed attributes are not in DER encoding (RFC 5652, 5.3).",
        "Các thuộc tính được ký không theo mã hóa DER (RFC 5652, mục 5.3).",
    ),
    "FORMAT_UNSUPPORTED": Entry(
        _ERROR,
        "The signature format {detail} is not supported; the signature cannot be judged.",
        "Định dạng chữ ký {detail} không được hỗ trợ; không thể kết luận về chữ ký.",
    ),
    "ALGORITHM_UNSUPPORTED": Entry(
        _ERROR,
        "The algorithm is not supported; the signature cannot be judged ({detail}).",
        "Thuật toán không được hỗ trợ; không thể kết luận về chữ ký.",
    ),
    "SUBFILTER_MISMATCH": Entry(
        _WARNING,
        "The declared format {detail} is not what the signature is.",
        "Định dạng khai báo {detail} không đúng với chữ ký thực tế.",
    ),
    "SEVERAL_SIGNERS": Entry(
        _WARNING,
        "The signature value holds more than one signer ({detail}); all were checked.",
        "Giá trị chữ ký chứa nhiều người ký ({detail}); hệ thống đã kiểm tra tất cả.",
    ),
    "CONTENT_ENCAPSULATED": Entry(
        _WARNING,
        "The signature value carries content of its own; it was not used as signed data.",
        "Giá trị chữ ký kèm nội dung riêng; nội dung này không được coi là dữ liệu được ký.",
    ),
    "CONTENT_EMPTY_ENCAPSULATED": Entry(
        _WARNING,
        "The signature value carries an empty content of its own, where there should be none.",
        "Giá trị chữ ký kèm một nội dung rỗng, trong khi không được có.",
    ),
    "CMS_TRAILING_BYTES": Entry(
        _WARNING,
        "After the signature value stand bytes that are not part of it ({detail}); they were ignored.",
        "Sau giá trị chữ ký còn dữ liệu không thuộc chữ ký ({detail}); hệ thống đã bỏ qua.",
    ),
    "DIGESTS_DIFFER": Entry(
        _WARNING,
        "The content was digested with another algorithm than the signature uses ({detail}).",
        "Thuật toán băm nội dung khác với thuật toán băm của chữ ký ({detail}).",
    ),
    "SIGNING_CERTIFICATE_MISMATCH": Entry(
        _ERROR,
        "The certificate is not the one that the signer named in the signed attributes ({detail}).",
        "Chứng thư không phải là chứng thư mà người ký đã nêu trong thuộc tính được ký.",
    ),
    "SIGNER_NAMED_OTHERWISE": Entry(
        _WARNING,
        "Issuer or serial number of the certificate are not given as in the certificate itself; "
        "its digest is right.",
        "Tên tổ chức cấp hoặc số sê-ri của chứng thư được nêu không đúng như trong chứng thư; "
        "giá trị băm của chứng thư vẫn đúng.",
    ),
    "IMPLEMENTATIONS_DISAGREE": Entry(
        _ERROR,
        "Two independent programs do not agree on whether the cryptographic signature holds.",
        "Hai phần mềm độc lập cho kết quả khác nhau về chữ ký mật mã; không thể kết luận.",
    ),
    "SIGNED_DATA_NOT_FOUND": Entry(
        _ERROR,
        "The file that was signed or time-stamped was not given.",
        "Chưa cung cấp tệp đã được ký hoặc được đóng dấu thời gian.",
    ),
    # Integrity
    "INTACT": Entry(
        _INFO,
        "The signed content is unaltered: the digest and the cryptographic signature match.",
        "Nội dung được ký còn nguyên vẹn: giá trị băm và chữ ký mật mã trùng khớp.",
    ),
    "DIGEST_MISMATCH": Entry(
        _ERROR,
        "The signed content was altered: its digest is not the one that was signed.",
        "Nội dung đã bị thay đổi sau khi ký: giá trị băm không trùng khớp.",
    ),
    "SIGNATURE_WRONG": Entry(
        _ERROR,
        "The cryptographic signature does not match the signer's certificate.",
        "Chữ ký mật mã không khớp với chứng thư chữ ký số của người ký.",
    ),
    "NO_SIGNER_CERTIFICATE": Entry(
        _ERROR,
        "The signature does not contain the signer's certificate.",
        "Chữ ký không kèm chứng thư chữ ký số của người ký.",
    ),
    "COVERS_FILE": Entry(_INFO, "The signature covers the whole file.", "Chữ ký bao phủ toàn bộ tệp."),
    "COVERS_REVISION": Entry(
        _INFO,
        "The signature covers a whole revision; later revisions follow.",
        "Chữ ký bao phủ trọn vẹn một phiên bản; sau đó có các phiên bản tiếp theo.",
    ),
    # What came after
    "CHANGES_NONE": Entry(_INFO, "Nothing was changed after signing.", "Không có thay đổi nào sau khi ký."),
    "CHANGES_LTV_UPDATE": Entry(
        _INFO,
        "After signing only validation data or document time-stamps were added.",
        "Sau khi ký chỉ bổ sung dữ liệu kiểm tra hoặc dấu thời gian.",
    ),
    "CHANGES_FORM_FILLING": Entry(
        _INFO,
        "After signing fields were filled or further signatures were added, as permitted.",
        "Sau khi ký có điền trường biểu mẫu hoặc bổ sung chữ ký, trong phạm vi được phép.",
    ),
    "CHANGES_ANNOTATION": Entry(
        _INFO,
        "After signing annotations were added, as permitted.",
        "Sau khi ký có bổ sung chú thích, trong phạm vi được phép.",
    ),
    "CHANGES_FORBIDDEN": Entry(
        _ERROR,
        "The document was altered after signing in a way that is not permitted: {detail}.",
        "Văn bản đã bị thay đổi trái phép sau khi ký.",
    ),
    "CHANGES_BEYOND_POLICY": Entry(
        _ERROR,
        "After signing changes of the kind {detail} were made, which the policy does not allow.",
        "Sau khi ký có thay đổi mà chính sách kiểm tra không cho phép.",
    ),
    "CHANGES_BEYOND_DOCMDP": Entry(
        _ERROR,
        "After signing changes were made that the signature itself forbids (DocMDP).",
        "Sau khi ký có thay đổi mà chính chữ ký này không cho phép (DocMDP).",
    ),
    "LOCKED_FIELD_CHANGED": Entry(
        _ERROR,
        "Fields that this signature locks were changed: {detail}.",
        "Các trường đã bị chữ ký này khóa lại bị thay đổi: {detail}.",
    ),
    "LOOKS_CHANGED": Entry(
        _ERROR,
        "The document looks different from what was signed: {detail}.",
        "Hình thức hiển thị của văn bản khác với bản đã ký.",
    ),
    "LATER_SIGNATURE_DOUBTFUL": Entry(
        _ERROR,
        "A later signature shows something on the page and does not pass itself ({detail}).",
        "Chữ ký sau ({detail}) hiển thị nội dung trên trang nhưng bản thân không hợp lệ.",
    ),
    "CHANGES_UNDECIDED": Entry(
        _ERROR,
        "What was changed after signing could not be determined ({detail}).",
        "Không xác định được những thay đổi sau khi ký.",
    ),
    # Certificate, path, revocation
    "CERTIFICATE_UNREADABLE": Entry(
        _ERROR,
        "The signer's certificate cannot be read.",
        "Không đọc được chứng thư chữ ký số của người ký.",
    ),
    "CHAIN_OK": Entry(
        _INFO,
        "The certificate was valid at the time judged: trusted by its path, and not revoked.",
        "Chứng thư chữ ký số có hiệu lực tại thời điểm xét: đường dẫn tin cậy hợp lệ và không bị thu hồi.",
    ),
    "CHAIN_NOT_CHECKED": Entry(
        _INFO,
        "The policy judges integrity only; the certificate's trust was not checked.",
        "Chính sách chỉ xét tính toàn vẹn; không kiểm tra độ tin cậy của chứng thư.",
    ),
    "CHAIN_NOT_FOUND": Entry(
        _ERROR,
        "The certificate cannot be trusted: {detail}",
        "Không tìm được đường dẫn từ chứng thư đến chứng thư gốc tin cậy.",
    ),
    "CERTIFICATE_EXPIRED": Entry(
        _ERROR,
        "A certificate had expired at the time judged, and nothing proves the signature older: {detail}",
        "Tại thời điểm xét, chứng thư đã hết hạn và không có bằng chứng chữ ký được tạo trước đó.",
    ),
    "CERTIFICATE_NOT_YET_VALID": Entry(
        _ERROR,
        "At the time judged a certificate was not yet valid: {detail}",
        "Tại thời điểm xét, chứng thư chưa có hiệu lực.",
    ),
    "CERTIFICATE_REVOKED": Entry(
        _ERROR,
        "A certificate was revoked, and nothing proves that the signature is older: {detail}",
        "Chứng thư đã bị thu hồi và không có bằng chứng chữ ký được tạo trước đó.",
    ),
    "REVOCATION_MAY_FORGET": Entry(
        _WARNING,
        "What clears a certificate of revocation is younger than its end and need not list it any more"
        " (RFC 5280, 3.3). It counts under this policy; ask the CA if there is any doubt.",
        "Dữ liệu thu hồi được phát hành sau khi chứng thư hết hạn nên có thể không còn liệt kê chứng thư này;"
        " chính sách này vẫn chấp nhận. Nếu nghi ngờ, hãy hỏi nơi cấp chứng thư.",
    ),
    "CERTIFICATE_ON_HOLD": Entry(
        _ERROR,
        "A certificate is on hold and may be released again; verify later: {detail}",
        "Chứng thư đang bị tạm dừng và có thể được khôi phục; hãy kiểm tra lại sau.",
    ),
    "SIGNED_AFTER_EXPIRY": Entry(
        _ERROR,
        "The certificate had expired when it was used: what was signed holds a time-stamp of {detail}.",
        "Chứng thư đã hết hạn khi ký: nội dung được ký chứa dấu thời gian {detail}.",
    ),
    "SIGNED_AFTER_REVOCATION": Entry(
        _ERROR,
        "The certificate was revoked when it was used: what was signed holds a time-stamp of {detail}.",
        "Chứng thư đã bị thu hồi khi ký: nội dung được ký chứa dấu thời gian {detail}.",
    ),
    "REVOCATION_UNKNOWN": Entry(
        _ERROR,
        "Whether a certificate was revoked is unknown; try again online or supply CRLs: {detail}",
        "Không xác định được trạng thái thu hồi của chứng thư; hãy kiểm tra lại khi có kết nối "
        "hoặc bổ sung CRL.",
    ),
    "REVOCATION_IGNORED": Entry(
        _WARNING,
        "Nothing says whether a certificate was revoked, and the policy does not ask: {detail}",
        "Không có thông tin về việc thu hồi chứng thư và chính sách không yêu cầu: {detail}",
    ),
    "REVOCATION_NOT_PROVEN": Entry(
        _ERROR,
        "Revocation data come from an authority that expired at {detail}; nothing proves them to be older.",
        "Dữ liệu thu hồi do tổ chức đã hết hiệu lực lúc {detail} cấp, không có bằng chứng có trước đó.",
    ),
    "CERTIFICATE_KIND": Entry(
        _ERROR,
        "The policy does not accept signatures with a certificate of this kind ({detail}).",
        "Chính sách không chấp nhận chữ ký bằng loại chứng thư này ({detail}).",
    ),
    "CERTIFICATE_BAD_USAGE": Entry(
        _ERROR,
        "The certificate does not permit this use: {detail}",
        "Chứng thư không được phép dùng cho mục đích này.",
    ),
    "CHAIN_INVALID": Entry(
        _ERROR,
        "The certification path breaks a rule of RFC 5280: {detail}",
        "Đường dẫn chứng thực vi phạm quy định của RFC 5280.",
    ),
    "ALGORITHM_WEAK": Entry(
        _ERROR,
        "The policy no longer accepts the algorithm or key length: {detail}.",
        "Chính sách không còn chấp nhận thuật toán hoặc độ dài khóa: {detail}.",
    ),
    # Time
    "TIME_PROVEN": Entry(
        _INFO,
        "A time-stamp proves that the signature existed at {detail}.",
        "Dấu thời gian chứng minh chữ ký đã tồn tại tại thời điểm {detail}.",
    ),
    "TIME_NOT_PROVEN": Entry(
        _INFO,
        "No time-stamp proves when the signature was made; it was judged at {detail}.",
        "Không có dấu thời gian chứng minh thời điểm ký; chữ ký được xét tại thời điểm {detail}.",
    ),
    "TIMESTAMP_ORDER": Entry(
        _ERROR,
        "The time-stamps contradict each other: one of them is of another time than it says.",
        "Thứ tự các dấu thời gian mâu thuẫn nhau.",
    ),
    "TIMESTAMP_AHEAD": Entry(
        _ERROR,
        "The time-stamp's time, {detail}, lies later than it is known to have existed.",
        "Thời điểm của dấu thời gian, {detail}, muộn hơn thời điểm dấu thời gian được biết là đã tồn tại.",
    ),
    "TIMESTAMP_REQUIRED": Entry(
        _ERROR,
        "The policy asks for proof of the time of signing, and no time-stamp that counts gives it.",
        "Chính sách yêu cầu bằng chứng thời điểm ký nhưng không có dấu thời gian nào được chấp nhận.",
    ),
    "CLAIMED_TIME_AHEAD": Entry(
        _WARNING,
        "The signer claims to have signed at {detail}, later than the signature is known to have existed.",
        "Thời điểm ký khai báo {detail} muộn hơn thời điểm chữ ký được biết là đã tồn tại.",
    ),
    "TIMESTAMP_BROKEN": Entry(
        _WARNING,
        "The signature's time-stamp does not hold and was not used: {detail}.",
        "Dấu thời gian của chữ ký không hợp lệ và không được sử dụng.",
    ),
    "TIMESTAMP_UNTRUSTED": Entry(
        _WARNING,
        "The signature's time-stamp is not trusted and was not used: {detail}",
        "Dấu thời gian của chữ ký không đáng tin cậy và không được sử dụng.",
    ),
    # The document rule of Decree 30/2020
    "RULE_PASSED": Entry(
        _INFO,
        "The document satisfies the rule: signed by the competent person, then sealed by the agency.",
        "Văn bản đáp ứng quy tắc: người có thẩm quyền ký số trước, cơ quan, tổ chức ký số sau.",
    ),
    "RULE_ANNEX_PASSED": Entry(
        _INFO,
        "As an annex the file satisfies the rule: the issuing agency signed it.",
        "Tệp là phụ lục, văn bản kèm theo và đáp ứng quy tắc: đã có chữ ký số của cơ quan, tổ chức ban hành.",
    ),
    "RULE_NO_DOCUMENT": Entry(
        _ERROR,
        "The dispatch carries no document in PDF.",
        "Gói tin không có văn bản định dạng PDF.",
    ),
    "RULE_ANNEX_NOT_SEALED": Entry(
        _ERROR,
        "The attachment '{detail}' carries no digital signature of the issuing agency.",
        "Tệp đính kèm “{detail}” không có chữ ký số của cơ quan, tổ chức ban hành.",
    ),
    "RULE_INSIDE_NOT_PASSED": Entry(
        _ERROR,
        "The document '{detail}' inside the package does not satisfy the rule.",
        "Văn bản “{detail}” trong gói tin không đáp ứng quy tắc.",
    ),
    "RULE_SIGNATURE_NOT_PASSED": Entry(
        _ERROR,
        "Signature {detail} did not pass verification.",
        "Chữ ký {detail} không đạt yêu cầu kiểm tra.",
    ),
    "RULE_NO_PERSON": Entry(
        _ERROR,
        "The document carries no digital signature of a competent person.",
        "Văn bản không có chữ ký số của người có thẩm quyền.",
    ),
    "RULE_NO_SEAL": Entry(
        _ERROR,
        "The document carries no digital signature of the issuing agency.",
        "Văn bản không có chữ ký số của cơ quan, tổ chức ban hành.",
    ),
    "RULE_WRONG_ORDER": Entry(
        _ERROR,
        "Persons must sign before agencies; the order found is: {detail}.",
        "Người có thẩm quyền phải ký trước, cơ quan, tổ chức ký sau; thứ tự tìm thấy: {detail}.",
    ),
    "RULE_FOREIGN_SIGNATURE": Entry(
        _ERROR,
        "Signature {detail} is neither a person's nor an agency's.",
        "Chữ ký {detail} không phải của cá nhân cũng không phải của cơ quan, tổ chức.",
    ),
    "RULE_NOT_LOCKED": Entry(
        _ERROR,
        "The last agency signature does not lock the document.",
        "Chữ ký số cuối cùng của cơ quan, tổ chức không khóa văn bản.",
    ),
    "RULE_CHANGED_AFTER_SEAL": Entry(
        _ERROR,
        "The document was changed after the last agency signature ({detail}).",
        "Văn bản bị thay đổi sau chữ ký số cuối cùng của cơ quan, tổ chức.",
    ),
    "RULE_NUMBER_DIFFERS": Entry(
        _ERROR,
        "The number in the document is not the number of the dispatch: {detail}.",
        "Số, ký hiệu trong văn bản không khớp với số, ký hiệu trong gói tin: {detail}.",
    ),
    "RULE_DATE_DIFFERS": Entry(
        _ERROR,
        "The date in the document is not the promulgation date of the dispatch: {detail}.",
        "Ngày, tháng, năm trong văn bản không khớp với ngày ban hành trong gói tin: {detail}.",
    ),
    "RULE_AGENCY_DIFFERS": Entry(
        _ERROR,
        "The agency that sealed the document is not the sender of the dispatch: {detail}.",
        "Cơ quan, tổ chức ký số văn bản không phải là nơi gửi gói tin: {detail}.",
    ),
}
"""Everything a report can say."""


def show_time(time: datetime) -> str:
    """A time on the wall in Việt Nam, with its offset."""
    return time.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M:%S +07:00")


def say(code: str, detail: object = "") -> Message:
    """Make the message of `code`; `detail` fills its gap. Raises `KeyError` for an unknown code."""
    entry = CATALOGUE[code]
    shown = _tidy(str(detail), entry.text)
    return Message(
        code=code,
        severity=entry.severity,
        text=entry.text.format(detail=shown).rstrip(": "),
        text_vi=entry.text_vi.format(detail=shown).rstrip(": "),
    )


_REFERENCE: Final = re.compile(r"Reference\(idnum=(\d+), generation=\d+\)")
_INTERNALS: Final = re.compile(r"(?: Some objects from revision|: \{|\{).*", re.DOTALL)


def tidy(detail: str) -> str:
    """The words of a detail: objects by their number, nothing of the analyser's insides."""
    return _INTERNALS.sub("", _REFERENCE.sub(r"object \1", detail))


def _tidy(detail: str, text: str) -> str:
    """The same with no stop before the text's own."""
    plain = tidy(detail)
    return plain.rstrip(". ") if text.endswith(("}.", "}).")) else plain

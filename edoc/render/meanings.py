"""What each sub-indication of ETSI EN 319 102-1 means, and what to do about it, in both languages."""

from typing import Final, NamedTuple

from edoc.core.report import (
    EXIT_FAILED,
    EXIT_INDETERMINATE,
    EXIT_PASSED,
    EXIT_UNREADABLE,
    EXIT_UNSIGNED,
    FileReport,
    Indication,
    SignatureReport,
)
from edoc.core.verdicts import SubIndication


class Meaning(NamedTuple):
    """One outcome in words for people."""

    text_vi: str
    text: str
    advice_vi: str
    advice: str


_ASK_AGAIN: Final = (
    "Đề nghị nơi gửi ký lại và gửi lại văn bản; không sử dụng tệp này.",
    "Ask the sender to sign and send the document again; do not use this file.",
)
_TRUST: Final = (
    "Bổ sung chứng thư gốc và chứng thư trung gian của tổ chức cấp chứng thư rồi kiểm tra lại.",
    "Add the root and intermediate certificates of the issuing authority, then verify again.",
)
_PROVE: Final = (
    "Đề nghị nơi gửi cung cấp bản có dấu thời gian đã tạo trước thời điểm đó, hoặc ký lại.",
    "Ask the sender for a copy with a time-stamp from before that time, or for a new signature.",
)
_OPERATOR: Final = (
    "Báo cho bộ phận quản trị hệ thống: chính sách hoặc tệp nằm ngoài phạm vi hỗ trợ.",
    "Tell whoever runs the system: the policy or the file is outside what is supported.",
)

MEANINGS: Final[dict[SubIndication, Meaning]] = {
    SubIndication.FORMAT_FAILURE: Meaning(
        "Cấu trúc chữ ký sai, hoặc văn bản bị thay đổi trái phép sau khi ký.",
        "The signature is malformed, or the document was changed after signing in a forbidden way.",
        *_ASK_AGAIN,
    ),
    SubIndication.HASH_FAILURE: Meaning(
        "Nội dung đã ký bị thay đổi.", "The signed content was altered.", *_ASK_AGAIN
    ),
    SubIndication.SIG_CRYPTO_FAILURE: Meaning(
        "Chữ ký mật mã không khớp với chứng thư của người ký.",
        "The cryptographic signature does not match the signer's certificate.",
        *_ASK_AGAIN,
    ),
    SubIndication.REVOKED: Meaning(
        "Chứng thư đã bị thu hồi trước khi ký.",
        "The certificate had been revoked before it was used.",
        *_ASK_AGAIN,
    ),
    SubIndication.EXPIRED: Meaning(
        "Chứng thư đã hết hạn trước khi ký.",
        "The certificate had expired before it was used.",
        *_ASK_AGAIN,
    ),
    SubIndication.NOT_YET_VALID: Meaning(
        "Chứng thư chưa có hiệu lực khi ký.",
        "The certificate was not yet valid when it was used.",
        *_ASK_AGAIN,
    ),
    SubIndication.SIG_CONSTRAINTS_FAILURE: Meaning(
        "Chữ ký không đáp ứng yêu cầu của chính sách kiểm tra.",
        "The signature does not meet the policy's demands on signatures.",
        "Xem lý do cụ thể; đề nghị nơi gửi ký lại theo đúng quy định.",
        "Read the reason; ask the sender to sign as the rules demand.",
    ),
    SubIndication.CHAIN_CONSTRAINTS_FAILURE: Meaning(
        "Chứng thư không được phép dùng cho mục đích này.",
        "The certificate may not be used for this purpose.",
        "Đề nghị nơi gửi ký bằng chứng thư đúng mục đích.",
        "Ask the sender to sign with a certificate that is meant for it.",
    ),
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE: Meaning(
        "Đường dẫn chứng thực không hợp lệ.", "The certification path is not valid.", *_TRUST
    ),
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE: Meaning(
        "Thuật toán hoặc độ dài khóa không được chấp nhận hoặc không được hỗ trợ.",
        "The algorithm or key length is not accepted, or not supported.",
        "Đề nghị nơi gửi ký lại bằng thuật toán được chấp nhận.",
        "Ask the sender to sign again with an accepted algorithm.",
    ),
    SubIndication.POLICY_PROCESSING_ERROR: Meaning(
        "Không xử lý được chính sách kiểm tra.", "The policy could not be processed.", *_OPERATOR
    ),
    SubIndication.SIGNATURE_POLICY_NOT_AVAILABLE: Meaning(
        "Không có chính sách mà chữ ký viện dẫn.",
        "The policy that the signature names is not available.",
        *_OPERATOR,
    ),
    SubIndication.TIMESTAMP_ORDER_FAILURE: Meaning(
        "Thứ tự các dấu thời gian mâu thuẫn.", "The time-stamps contradict each other's order.", *_ASK_AGAIN
    ),
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND: Meaning(
        "Không tìm thấy chứng thư của người ký.", "The signer's certificate was not found.", *_ASK_AGAIN
    ),
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: Meaning(
        "Không tìm được đường dẫn đến chứng thư gốc tin cậy.",
        "No path to a trusted root was found.",
        *_TRUST,
    ),
    SubIndication.REVOKED_NO_POE: Meaning(
        "Chứng thư đã bị thu hồi; không có bằng chứng chữ ký được tạo trước đó.",
        "The certificate is revoked, and nothing proves that the signature is older.",
        *_PROVE,
    ),
    SubIndication.REVOKED_CA_NO_POE: Meaning(
        "Chứng thư của tổ chức cấp chứng thư đã bị thu hồi; không có bằng chứng chữ ký được tạo trước đó.",
        "An authority's certificate is revoked, and nothing proves that the signature is older.",
        *_PROVE,
    ),
    SubIndication.OUT_OF_BOUNDS_NOT_REVOKED: Meaning(
        "Thời điểm xét nằm ngoài thời hạn của chứng thư; chứng thư không bị thu hồi.",
        "The time judged lies outside the certificate's period; it was not revoked.",
        *_PROVE,
    ),
    SubIndication.OUT_OF_BOUNDS_NO_POE: Meaning(
        "Thời điểm xét nằm ngoài thời hạn của chứng thư; không có bằng chứng về thời điểm ký.",
        "The time judged lies outside the certificate's period, and nothing proves when it was signed.",
        *_PROVE,
    ),
    SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE: Meaning(
        "Chứng thư dùng để xác nhận trạng thái thu hồi đã hết hạn; không có bằng chứng về thời điểm.",
        "Whoever vouched for the revocation status is out of period, and nothing proves the time.",
        *_PROVE,
    ),
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: Meaning(
        "Thuật toán hoặc độ dài khóa không còn được chấp nhận; không có bằng chứng chữ ký được tạo trước đó.",
        "The algorithm or key length is no longer accepted, and nothing proves that the signature is older.",
        *_PROVE,
    ),
    SubIndication.NO_POE: Meaning(
        "Không có bằng chứng về thời điểm ký.", "Nothing proves when the signature existed.", *_PROVE
    ),
    SubIndication.TRY_LATER: Meaning(
        "Chưa biết chứng thư có bị thu hồi hay không.",
        "Whether the certificate was revoked is not known.",
        "Kiểm tra lại khi có kết nối mạng, hoặc bổ sung danh sách thu hồi (CRL) mới.",
        "Verify again with a connection, or supply a recent CRL.",
    ),
    SubIndication.SIGNED_DATA_NOT_FOUND: Meaning(
        "Không có dữ liệu được ký.",
        "The signed data are not at hand.",
        "Cung cấp tệp được ký rồi kiểm tra lại.",
        "Supply the signed file and verify again.",
    ),
}
"""Every sub-indication; `docs/verification.md` lists the same."""

_FILES: Final[dict[int, Meaning]] = {
    EXIT_UNSIGNED: Meaning(
        "Tệp không có chữ ký số.",
        "The file carries no digital signature.",
        "Đề nghị nơi gửi cung cấp bản đã ký số.",
        "Ask the sender for the signed document.",
    ),
    EXIT_UNREADABLE: Meaning(
        "Không đọc được tệp.",
        "The file cannot be read.",
        "Xem lý do; đề nghị nơi gửi gửi lại tệp, hoặc cung cấp mật khẩu nếu tệp được mã hóa.",
        "Read the reason; ask for the file again, or give its password if it is encrypted.",
    ),
}
_RULE: Final = Meaning(
    "Văn bản không đạt quy tắc về thể thức ký số.",
    "The document does not meet the rule on how it is to be signed.",
    "Trả lại nơi gửi kèm các lý do đã nêu.",
    "Return it to the sender with the reasons given.",
)


def explain_signature(signature: SignatureReport) -> Meaning | None:
    """What stands against a signature and what to do; None if nothing does."""
    if signature.indication is Indication.TOTAL_PASSED or signature.sub_indication is None:
        return None
    return MEANINGS[signature.sub_indication]


def explain_file(file: FileReport) -> Meaning | None:
    """What stands against a file and what to do; None if nothing does."""
    if file.exit_code == EXIT_PASSED:
        return None
    if file.sub_indication is not None and file.exit_code in {EXIT_FAILED, EXIT_INDETERMINATE}:
        return MEANINGS[file.sub_indication]
    return _FILES.get(file.exit_code, _RULE)

"""The signature of a call, against texts and HMACs that a Java virtual machine made.

The vectors come from OpenJDK 17 and Gson 2.11: a `HashMap` into which timestamp, systemid, Content-Type and
the call's parameters were put in this order, a `JsonObject` of its entries, and `HmacSHA256`.
"""

import hashlib
import random
from datetime import UTC, datetime, timedelta

import pytest

from edoc.axis import signing
from edoc.axis.signing import (
    CallNotSignedError,
    format_timestamp,
    hash_bytes,
    hash_file,
    order_as_java,
    parse_timestamp,
    read_call,
    sign_call,
)
from edoc.core.zone import VIETNAM
from edoc.errors import InputError

SECRET = "bí mật"
AT = datetime(2026, 2, 5, 8, 15, 30, 7000, tzinfo=VIETNAM)
STAMP = '"XroadVnpt-timestamp":"05022026T081530+0007"'
JSON = '"XroadVnpt-Content-Type":"application/json"'

VECTORS = {
    "getAgenciesList": (
        {},
        "systemid;timestamp;Content-Type",
        f'{{"XroadVnpt-systemid":"H99.01",{STAMP},{JSON}}}',
        "e90a9d184b685f029b25d9e319789810c06866c7694a27529c488b8645ce772b",
    ),
    "getAgenciesListQD20": (
        {"level": "1"},
        "systemid;level;timestamp;Content-Type",
        f'{{"XroadVnpt-systemid":"H99.01","XroadVnpt-level":"1",{STAMP},{JSON}}}',
        "140493f0e8192d1af428e5bd09eac98f189139b60bbd7d9a3a3c6cafe9393804",
    ),
    "deleteAgency": (
        {"AgencyCode": "H99.02"},
        "systemid;AgencyCode;timestamp;Content-Type",
        f'{{"XroadVnpt-systemid":"H99.01","XroadVnpt-AgencyCode":"H99.02",{STAMP},{JSON}}}',
        "45e60266f2fc00f1e0363b755afccf641de03c8b0f6465826b793b37cfa0bb87",
    ),
    "sendEdoc": (
        {
            "from": "H99.01",
            "to": '["H99.02","000.00.02.H99"]',
            "servicetype": "eDoc",
            "messagetype": "edoc",
            "hash-file": "0",
        },
        "systemid;servicetype;messagetype;hash-file;from;to;timestamp;Content-Type",
        (
            '{"XroadVnpt-systemid":"H99.01","XroadVnpt-servicetype":"eDoc","XroadVnpt-messagetype":"edoc",'
            '"XroadVnpt-hash-file":"0","XroadVnpt-from":"H99.01",'
            f'"XroadVnpt-to":"[\\"H99.02\\",\\"000.00.02.H99\\"]",{STAMP},'
            '"XroadVnpt-Content-Type":"application/octet-stream"}'
        ),
        "aab3630be9e4ca8fe35cc4df5dacaf9c5454850bb1f223e3fbbc859b9e45c084",
    ),
    "getReceivedEdocList": (
        {"servicetype": "eDoc", "messagetype": "edoc", "fromDate": "2026/01/01", "toDate": "2026/02/01"},
        "fromDate;systemid;servicetype;messagetype;toDate;timestamp;Content-Type",
        (
            '{"XroadVnpt-fromDate":"2026/01/01","XroadVnpt-systemid":"H99.01","XroadVnpt-servicetype":"eDoc",'
            f'"XroadVnpt-messagetype":"edoc","XroadVnpt-toDate":"2026/02/01",{STAMP},{JSON}}}'
        ),
        "3370aa33bcebbb1a5d7c68c4de8fc71831de600ae358015473d20b2be797ea11",
    ),
    "getSentEdocList": (
        {
            "servicetype": "eDoc",
            "messagetype": "status",
            "fromDate": "2026/01/01",
            "toDate": "2026/02/01",
            "docId": "D-1",
        },
        "fromDate;systemid;servicetype;messagetype;docId;toDate;timestamp;Content-Type",
        (
            '{"XroadVnpt-fromDate":"2026/01/01","XroadVnpt-systemid":"H99.01","XroadVnpt-servicetype":"eDoc",'
            '"XroadVnpt-messagetype":"status","XroadVnpt-docId":"D-1","XroadVnpt-toDate":"2026/02/01",'
            f"{STAMP},{JSON}}}"
        ),
        "056b372dcbbc6949ee5fac7af422c32b4ac861ff797693b070f32ccd8156322a",
    ),
    "getEdoc": (
        {"docId": "D-1", "filePath": "/tmp/x"},  # noqa: S108 - a value that travels, and no file
        "systemid;docId;filePath;timestamp;Content-Type",
        (
            '{"XroadVnpt-systemid":"H99.01","XroadVnpt-docId":"D-1","XroadVnpt-filePath":"/tmp/x",'
            f"{STAMP},{JSON}}}"
        ),
        "c54bdfe6e7c64a725182e313aea0b8058277179bbb962ed68d3ad770fcf5e30d",
    ),
    "updateStatus": (
        {"docId": "D-1", "status": "processing"},
        "systemid;docId;timestamp;Content-Type;status",
        (
            f'{{"XroadVnpt-systemid":"H99.01","XroadVnpt-docId":"D-1",{STAMP},{JSON},'
            '"XroadVnpt-status":"processing"}'
        ),
        "fd2ac33aba5a08027d7041e3b48411fa868f4ea148113a0546f3325ab25a22cd",
    ),
    "updateStatus with a small d": (
        {"docid": "D-1", "status": "done"},
        "systemid;docid;timestamp;Content-Type;status",
        f'{{"XroadVnpt-systemid":"H99.01","XroadVnpt-docid":"D-1",{STAMP},{JSON},"XroadVnpt-status":"done"}}',
        "5d72b4749c2119a29923353c4fe0e116d7e033715a11e711e792f38cb03d9e12",
    ),
    "more than twelve, so that the table has grown": (
        {
            "a": "1",
            "b": "2",
            "c": "3",
            "d": "4",
            "e": "5",
            "f": "6",
            "g": "7",
            "h": "8",
            "docId": "9",
            "docid": "10",
            "hash-file": "11",
            "status": "12",
            "level": "13",
        },
        "a;systemid;b;c;d;e;level;f;docId;docid;g;h;hash-file;timestamp;Content-Type;status",
        (
            '{"XroadVnpt-a":"1","XroadVnpt-systemid":"H99.01","XroadVnpt-b":"2","XroadVnpt-c":"3",'
            '"XroadVnpt-d":"4","XroadVnpt-e":"5","XroadVnpt-level":"13","XroadVnpt-f":"6","XroadVnpt-docId":"9",'
            '"XroadVnpt-docid":"10","XroadVnpt-g":"7","XroadVnpt-h":"8","XroadVnpt-hash-file":"11",'
            f'{STAMP},{JSON},"XroadVnpt-status":"12"}}'
        ),
        "5c778604af02859afad34ecf77b7ff97b053de05be013692c55f2abada77c807",
    ),
}


def signed(parameters: dict[str, str], **options: str) -> dict[str, str]:
    return sign_call(parameters, system_id="H99.01", secret=SECRET, at=AT, **options)


@pytest.mark.parametrize("name", VECTORS)
def test_text_order_and_hmac_are_those_of_the_sdk(name: str) -> None:
    parameters, names, text, digest = VECTORS[name]
    kind = "application/octet-stream" if name == "sendEdoc" else "application/json"
    headers = signed(parameters, content_type=kind)
    assert headers["XroadVnpt-sign-header-key"] == names
    assert headers["XroadVnpt-sign-header"] == text
    assert headers["XroadVnpt-hash-header"] == digest
    assert headers["XroadVnpt-version"] == "3.0.201608"
    assert headers["User-Agent"] == "JAVASDKAgent/1.0.0 XRoad/VPCP"
    assert headers["Content-Type"] == headers["XroadVnpt-Content-Type"] == kind


def test_names_in_the_same_bucket_keep_the_order_in_which_they_came() -> None:
    # `Aa` and `BB` have the same hash in Java
    assert order_as_java(["BB", "Aa"]) == ("BB", "Aa")
    assert order_as_java(["Aa", "BB"]) == ("Aa", "BB")


def test_a_server_reads_back_what_was_signed() -> None:
    call = read_call(signed({"docId": "D-1", "status": "done"}).items())
    assert call.system_id == "H99.01"
    assert call.timestamp == AT
    assert call.parameters == {"docId": "D-1", "status": "done"}
    assert call.is_signed_with(SECRET)
    assert not call.is_signed_with("another")
    assert not call.is_signed_with("")


def test_names_of_headers_come_in_any_case_and_values_with_blanks_around_them() -> None:
    headers = [(name.lower(), f" {value} ") for name, value in signed({"docId": "D-1"}).items()]
    assert read_call(headers).is_signed_with(SECRET)


def test_the_text_counts_as_it_came_and_is_never_rebuilt() -> None:
    """Another client may order and escape in its own way, as long as it signs what it sends."""
    text = '{ "XroadVnpt-timestamp":"05022026T081530+0007", "XroadVnpt-systemid":"H99\\u002e01" }'
    headers = {
        "XroadVnpt-timestamp": "05022026T081530+0007",
        "XroadVnpt-systemid": "H99.01",
        "XroadVnpt-sign-header": text,
        "XroadVnpt-sign-header-key": "timestamp;systemid",
        "XroadVnpt-hash-header": signing._sign(text, SECRET).upper(),
    }
    call = read_call(headers.items())
    assert call.system_id == "H99.01"
    assert call.is_signed_with(SECRET)


def test_parameters_that_an_sdk_leaked_from_earlier_calls_are_understood() -> None:
    headers = list(signed({"docId": "D-1"}).items())
    both = signed({"docId": "D-1", "docid": "D-2", "status": "done"})
    call = read_call([*both.items(), ("XroadVnpt-left-over", "1")])
    assert call.parameters == {"docId": "D-1", "docid": "D-2", "status": "done"}
    assert read_call(headers).parameters == {"docId": "D-1"}


def test_what_was_not_signed_is_not_given_back() -> None:
    call = read_call([*signed({}).items(), ("XroadVnpt-from", "H99.66")])
    assert "from" not in call.parameters


@pytest.mark.parametrize("name", ["XroadVnpt-docId", "XroadVnpt-systemid", "XroadVnpt-Content-Type"])
def test_a_header_that_differs_from_the_signed_text_does_not_pass(name: str) -> None:
    headers = signed({"docId": "D-1"})
    with pytest.raises(CallNotSignedError, match="not what was signed"):
        read_call({**headers, name: "another"}.items())
    del headers[name]
    with pytest.raises(CallNotSignedError, match="not what was signed"):
        read_call(headers.items())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("XroadVnpt-sign-header", None),
        ("XroadVnpt-hash-header", None),
        ("XroadVnpt-sign-header-key", None),
        ("XroadVnpt-sign-header-key", "systemid"),
        ("XroadVnpt-sign-header-key", "systemid;timestamp;Content-Type;docId;more"),
        ("XroadVnpt-sign-header", "[]"),
        ("XroadVnpt-sign-header", "{"),
        ("XroadVnpt-sign-header", '{"XroadVnpt-a":1}'),
        ("XroadVnpt-sign-header", '{"a":"1"}'),
        ("XroadVnpt-sign-header", '{"XroadVnpt-a":"1","XroadVnpt-a":"2"}'),
        ("XroadVnpt-sign-header", '{"XroadVnpt-a\\n":"1"}'),
        ("XroadVnpt-sign-header", "[" * 60_000),
        ("XroadVnpt-sign-header", '{"XroadVnpt-a":"ệ"}'),
        ("XroadVnpt-sign-header", "{" + " " * 70_000 + "}"),
    ],
)
def test_what_is_no_signature_is_refused(name: str, value: str | None) -> None:
    headers = signed({"docId": "D-1"})
    headers.pop(name)
    if value is not None:
        headers[name] = value
    with pytest.raises(CallNotSignedError):
        read_call(headers.items())


def test_a_signature_that_comes_twice_is_refused() -> None:
    headers = list(signed({}).items())
    with pytest.raises(CallNotSignedError):
        read_call([*headers, ("xroadvnpt-hash-header", "0" * 64)])


@pytest.mark.parametrize("value", ["Công văn", "a\nb", "a\r\nX: y", " a", "a ", "a\0", "\x7f"])
def test_a_value_that_would_arrive_changed_is_refused_with_advice(value: str) -> None:
    with pytest.raises(InputError, match=r"cannot travel as a header.*ASCII"):
        signed({"description": value})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ệ", "a\n", "-a"])
def test_a_name_that_is_no_headers_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name"):
        signed({name: "1"})


def test_the_time_is_written_in_vietnam_with_milliseconds_after_the_plus() -> None:
    at = datetime(2025, 12, 31, 23, 59, 58, 999_999, tzinfo=UTC)
    assert format_timestamp(at) == "01012026T065958+0999"
    assert parse_timestamp("01012026T065958+0999") == at.replace(microsecond=999_000)


@pytest.mark.parametrize("moment", range(5))
def test_every_time_comes_back_to_the_millisecond(moment: int) -> None:
    at = AT + timedelta(milliseconds=random.Random(moment).randrange(10**12))
    assert parse_timestamp(format_timestamp(at)) == at


@pytest.mark.parametrize(
    "text",
    [
        *("", "05022026T081530", "32022026T081530+0007", "2026-02-05T08:15:30+0700", "05022026T081530+x"),
        *("05022026T081530+-007", "05022026T081530+" + "9" * 40, "05020001T000000+0000"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(CallNotSignedError, match="time cannot be read"):
        parse_timestamp(text)


def test_hash_file_has_no_leading_zeros_in_any_byte() -> None:
    digest = bytes.fromhex("00" + "0a" + "ff" + "10" + "7f" * 28)
    assert hash_file(digest) == "0" + "a" + "ff" + "10" + "7f" * 28
    assert len(hash_file(digest)) == 62


def test_hash_file_of_a_digest_with_a_leading_zero_byte() -> None:
    content = next(
        content
        for content in (str(number).encode() for number in range(100_000))
        if hashlib.sha256(content).digest()[0] == 0
    )
    padded = hashlib.sha256(content).hexdigest()
    assert padded.startswith("00")
    assert hash_bytes(content).startswith("0" + f"{int(padded[2:4], 16):x}")
    assert len(hash_bytes(content)) < 64


def test_the_secret_stands_in_no_text_of_a_call() -> None:
    headers = signed({"docId": "D-1"})
    assert SECRET not in "".join(headers.values())
    assert SECRET not in repr(read_call(headers.items()))

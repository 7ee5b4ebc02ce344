"""Time-stamp requests and tokens (RFC 3161, 5816): ask, and believe only an answer to our question.

A token must be granted, carry our nonce, imprint and policy, be signed by exactly one signer whose
certificate is inside and named by ESSCertID or ESSCertIDv2, and its signature must hold. Whether that
certificate may stamp, and leads to a trusted root, `chain.examine` says.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from edoc.trust.certificates import MALFORMED
from edoc.trust.der import (
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    TAG_0,
    Item,
    Malformed,
    encode_oid,
    write,
)
from edoc.trust.stampers import DIGESTS, NAMES, TST_INFO, NotOurs, check_signer

_SIGNED_DATA: Final = encode_oid("1.2.840.113549.1.7.2")
_FAILURES: Final = {
    0: "bad algorithm",
    2: "bad request",
    5: "bad data format",
    14: "time not available",
    15: "policy not accepted",
    16: "extension not accepted",
    17: "additional information not available",
    25: "system failure",
}
_BIT_STRING: Final = 0x03
_MAX_TEXT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be stamped."""

    imprint: bytes
    digest: str
    """`sha256`, `sha384` or `sha512`."""
    nonce: bytes
    """Eight random bytes; the first is between 1 and 127, so that they are a positive DER integer."""
    policy: bytes | None = None
    """Content of the policy's object identifier, if one is demanded."""

    def encode(self) -> bytes:
        """Give the TimeStampReq, DER: version 1, our nonce, and the certificate wanted inside."""
        policy = b"" if self.policy is None else write(OID, self.policy)
        return write(
            SEQUENCE,
            b"\x02\x01\x01",
            _encode_imprint(self.digest, self.imprint),
            policy,
            write(INTEGER, self.nonce),
            b"\x01\x01\xff",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that answers the question, and whose signature holds under the certificate inside."""

    der: bytes
    """The ContentInfo."""
    time: datetime
    """genTime, UTC."""
    certificate: bytes
    """The authority's certificate, DER."""
    others: tuple[bytes, ...]
    """Further certificates inside, DER."""


def read_answer(answer: bytes, question: Question) -> Token:
    """Read a TimeStampResp and check everything that can be checked without a trust store.

    Raises `NotOurs`.
    """
    try:
        return _read_token(_open(answer), question)
    except MALFORMED as error:
        raise NotOurs("answers with something that is no time-stamp") from error


def _encode_imprint(digest: str, imprint: bytes) -> bytes:
    algorithm = write(SEQUENCE, write(OID, DIGESTS[digest][0]), b"\x05\x00")
    return write(SEQUENCE, algorithm, write(OCTET_STRING, imprint))


def _open(answer: bytes) -> Item:
    status, *rest = Item.load(answer, SEQUENCE).children or [Item(b"", 0, 0, 0, 0)]
    facts = status.expect(SEQUENCE).children
    if not facts or facts[0].expect(INTEGER).content not in (b"\x00", b"\x01"):
        raise NotOurs(f"refuses the request{_describe_refusal(facts[1:])}")
    if len(rest) != 1:
        raise Malformed("granted, but no token")
    return rest[0].expect(SEQUENCE)


def _describe_refusal(facts: list[Item]) -> str:
    words: list[str] = []
    for fact in facts:
        if fact.tag == SEQUENCE:
            words += [text.content.decode("utf-8", "replace") for text in fact.children]
        elif fact.tag == _BIT_STRING and len(fact.content) > 1:
            bits = "".join(f"{octet:08b}" for octet in fact.content[1:])
            words += [name for bit, name in _FAILURES.items() if bits[bit : bit + 1] == "1"]
    text = "".join(letter if letter.isprintable() else " " for letter in ", ".join(words))
    return f" ({text[:_MAX_TEXT]})" if text else ""


def _read_token(token: Item, question: Question) -> Token:
    if token.child(0, OID).content != _SIGNED_DATA:
        raise Malformed("no signed data")
    parts = token.child(1, TAG_0).child(0, SEQUENCE).children
    if len(parts) < 4:  # noqa: PLR2004 - version, digests, content, signers
        raise Malformed("too few elements")
    encapsulated = parts[2].expect(SEQUENCE)
    if encapsulated.child(0, OID).content != TST_INFO:
        raise NotOurs("signed something else than a time-stamp")
    content = encapsulated.child(1, TAG_0).child(0, OCTET_STRING).content
    time = _read_info(Item.load(content, SEQUENCE), question)
    certificates = [
        found.raw
        for part in parts[3:-1]
        if part.tag == TAG_0
        for found in part.children
        if found.tag == SEQUENCE
    ]
    signers = parts[-1].expect(SET).children
    if len(signers) != 1:
        raise NotOurs(f"answers with {len(signers)} signers instead of one")
    signer = check_signer(signers[0].expect(SEQUENCE), content, certificates)
    others = tuple(der for der in certificates if der != signer)
    return Token(der=token.raw, time=time, certificate=signer, others=others)


def _read_info(info: Item, question: Question) -> datetime:
    parts = info.children
    if len(parts) < 5:  # noqa: PLR2004 - version, policy, imprint, serial number, time
        raise Malformed("too few elements")
    policy = parts[1].expect(OID).content
    algorithm, imprint = parts[2].expect(SEQUENCE).children
    if question.policy not in (None, policy):
        raise NotOurs("stamped under another policy than the one demanded")
    name = NAMES.get(algorithm.child(0, OID).content)
    if (name, imprint.expect(OCTET_STRING).content) != (question.digest, question.imprint):
        raise NotOurs("stamped another digest than the one it was given")
    nonces = [part.content for part in parts[5:] if part.tag == INTEGER]
    if nonces != [question.nonce]:
        raise NotOurs("answers another request: the nonce is not ours")
    return _read_time(parts[4].expect(GENERALIZED_TIME).content)


def _read_time(text: bytes) -> datetime:
    # YYYYMMDDhhmmss, at most a fraction, Z (RFC 3161 section 2.4.2)
    whole, point, fraction = text[:-1].partition(b".")
    digits = whole + fraction
    if text[-1:] != b"Z" or len(whole) != 14 or not digits.isdigit() or bool(point) != bool(fraction):  # noqa: PLR2004
        raise Malformed("no time")
    parts = [int(whole[:4]), *(int(whole[start : start + 2]) for start in range(4, 14, 2))]
    year, month, day, hour, minute, second = parts
    microsecond = int(fraction[:6].ljust(6, b"0"))
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, UTC)
    except ValueError as error:
        raise Malformed("no time") from error

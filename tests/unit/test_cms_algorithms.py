"""Every algorithm that a signature may use: computed, or said not to be computable, and never guessed."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cmsmaking import (
    CONTENT,
    CURVES,
    DIGESTS,
    ECDSA_WITH,
    HASHES,
    INTEGER,
    MAKERS,
    NIST,
    NULL,
    OTHER,
    RSA_WITH,
    SEQUENCE,
    Signer,
    ask_openssl,
    digest_of,
    identify,
    list_attributes,
    make_cms,
    make_info,
    make_signer,
    refer,
    sign_by_openssl,
    sign_rsa,
)
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from edoc.pdf.cms import CmsFacts, read_cms
from edoc.pdf.cmsder import read_first, write
from edoc.pdf.cmskeys import load_key

PSS = "1.2.840.113549.1.1.10"


def make(
    signer: Signer,
    algorithm: bytes,
    sign: Callable[[bytes], bytes],
    *,
    digest: str = "sha256",
    direct: bool = False,
    certificate: bytes | None = None,
) -> bytes:
    attributes = None if direct else list_attributes(CONTENT, digest)
    made = make_info(signer, attributes, sign=sign, algorithm=algorithm, digest=digest)
    return make_cms([made], [certificate or signer.certificate], digests=[digest])


def read(cms: bytes, content: bytes = CONTENT) -> CmsFacts:
    return read_cms(cms, digest_of(content))


def codes(facts: CmsFacts) -> list[str]:
    return [fault.code for fault in facts.faults]


def require_exact(cms: bytes) -> CmsFacts:
    """It holds as it is, and not with another content or one bit changed."""
    facts = read(cms)
    assert facts.intact, facts.faults
    assert not read(cms, OTHER).intact
    value = facts.value
    for at in (len(value) // 2, len(value) - 1):
        broken = value[:at] + bytes((value[at] ^ 1,)) + value[at + 1 :]
        assert read(cms.replace(value, broken)).signature_holds is False
    return facts


@pytest.mark.parametrize("direct", [False, True], ids=["attributes", "direct"])
@pytest.mark.parametrize("digest", RSA_WITH)
def test_rsa_with_every_digest(digest: str, direct: bool, tmp_path: Path) -> None:
    signer = make_signer()
    for algorithm in (RSA_WITH[digest], RSA_WITH["sha256"][:-2] + "1"):
        cms = make(signer, identify(algorithm, NULL), sign_rsa(signer, digest), digest=digest, direct=direct)
        facts = require_exact(cms)
        assert (facts.signature_algorithm, facts.digest_algorithm) == ("rsassa_pkcs1v15", digest)
        assert codes(facts) == []
        if not digest.startswith("sha3") or algorithm.startswith(NIST):
            assert ask_openssl(cms, tmp_path)


def describe_pss(digest: str | None, mask: str | None, salt: int | None) -> bytes:
    """RSASSA-PSS-params; None leaves a part to its default."""
    parts = []
    if digest:
        parts.append(write(0xA0, identify(DIGESTS[digest], NULL)))
    if mask:
        parts.append(write(0xA1, identify("1.2.840.113549.1.1.8", identify(DIGESTS[mask], NULL))))
    if salt is not None:
        parts.append(write(0xA2, write(INTEGER, bytes((salt,)))))
    return write(SEQUENCE, *parts)


def sign_pss(signer: Signer, digest: str, mask: str, salt: int) -> Callable[[bytes], bytes]:
    scheme = padding.PSS(padding.MGF1(HASHES[mask]), salt)
    return lambda message: bytes(signer.key.sign(message, scheme, HASHES[digest]))


@pytest.mark.parametrize(
    ("digest", "mask", "salt"),
    [
        ("sha256", "sha256", 32),
        ("sha512", "sha512", 64),
        ("sha256", "sha1", 20),
        ("sha384", "sha256", 0),
        ("sha256", "sha512", 113),
        ("sha3_256", "sha3_256", 32),
        ("sha3_512", "sha256", 5),
    ],
)
def test_pss_with_every_parameter(digest: str, mask: str, salt: int, tmp_path: Path) -> None:
    signer = make_signer()
    algorithm = identify(PSS, describe_pss(digest, mask, salt))
    cms = make(signer, algorithm, sign_pss(signer, digest, mask, salt), digest=digest)
    assert require_exact(cms).signature_algorithm == "rsassa_pss"
    if "sha3" not in digest:
        assert ask_openssl(cms, tmp_path)
    other = identify(PSS, describe_pss(digest, mask, salt + 1))
    assert read(make(signer, other, sign_pss(signer, digest, mask, salt))).signature_holds is False


@pytest.mark.parametrize(
    "parameters",
    [
        describe_pss(None, None, None),
        b"",
        describe_pss("sha1", None, None),
        describe_pss(None, "sha1", 20),
        write(SEQUENCE, write(0xA3, b"\x02\x01\x01")),
    ],
    ids=["empty", "absent", "digest", "mask and salt", "trailer"],
)
def test_pss_defaults_are_sha1_and_twenty_bytes(parameters: bytes) -> None:
    signer = make_signer()
    facts = require_exact(make(signer, identify(PSS, parameters), sign_pss(signer, "sha1", "sha1", 20)))
    assert facts.digest_algorithm == "sha1"


@pytest.mark.parametrize(
    "parameters",
    [
        write(SEQUENCE, write(0xA3, b"\x02\x01\x02")),
        write(SEQUENCE, write(0xA1, identify("1.2.3.4"))),
        write(SEQUENCE, write(0xA0, identify("1.2.3.4"))),
    ],
    ids=["trailer", "mask function", "digest"],
)
def test_unknown_pss_is_unsupported_and_not_broken(parameters: bytes) -> None:
    signer = make_signer()
    facts = read(make(signer, identify(PSS, parameters), sign_pss(signer, "sha1", "sha1", 20)))
    assert (facts.digest_matches, facts.signature_holds) == (True, None)
    assert "ALGORITHM_UNSUPPORTED" in codes(facts)


def sign_ecdsa(signer: Signer, digest: str) -> Callable[[bytes], bytes]:
    return lambda message: bytes(signer.key.sign(message, ec.ECDSA(HASHES[digest])))


@pytest.mark.parametrize("curve", CURVES)
def test_ecdsa_on_every_curve(curve: str, tmp_path: Path) -> None:
    cms = sign_by_openssl(make_signer(curve), tmp_path, "-md", "sha384")
    facts = require_exact(cms)
    assert (facts.signature_algorithm, facts.key_bits) == ("ecdsa", make_signer(curve).key.key_size)
    assert ask_openssl(cms, tmp_path)


@pytest.mark.parametrize("digest", ECDSA_WITH)
def test_ecdsa_with_every_digest(digest: str) -> None:
    signer = make_signer("P-256")
    for direct in (False, True):
        algorithm = identify(ECDSA_WITH[digest])
        require_exact(make(signer, algorithm, sign_ecdsa(signer, digest), digest=digest, direct=direct))


@pytest.mark.parametrize("curve", ["P-256", "P-521", "brainpoolP256r1"])
def test_plain_ecdsa_has_no_asn1(curve: str) -> None:
    signer = make_signer(curve)
    size = (signer.key.key_size + 7) // 8

    def sign(message: bytes) -> bytes:
        numbers = utils.decode_dss_signature(sign_ecdsa(signer, "sha256")(message))
        return b"".join(number.to_bytes(size) for number in numbers)

    plain = identify("0.4.0.127.0.7.1.1.4.1.3")
    assert require_exact(make(signer, plain, sign)).signature_algorithm == "ecdsa_plain"
    assert read(make(signer, plain, sign_ecdsa(signer, "sha256"))).signature_holds is False
    assert read(make(signer, identify(ECDSA_WITH["sha256"]), sign)).signature_holds is False


@pytest.mark.parametrize(
    ("kind", "digest", "oid"),
    [("ed25519", "sha512", "1.3.101.112"), ("ed448", "shake_256", "1.3.101.113")],
)
def test_edwards_curves_sign_the_attributes_themselves(kind: str, digest: str, oid: str) -> None:
    signer = make_signer(kind)
    cms = make(signer, identify(oid), signer.key.sign, digest=digest)
    facts = require_exact(cms)
    assert (facts.signature_algorithm, facts.digest_algorithm, facts.key_bits) == (kind, digest, 0)
    # RFC 8419, 3.2: without attributes the content itself is signed, and a digest of it does not help.
    direct = read(make(signer, identify(oid), signer.key.sign, digest=digest, direct=True))
    assert (direct.signature_holds, codes(direct)) == (None, ["ALGORITHM_UNSUPPORTED"])


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_dsa(digest: str, tmp_path: Path) -> None:
    signer = make_signer("dsa")
    cms = sign_by_openssl(signer, tmp_path, "-md", digest)
    facts = require_exact(cms)
    assert (facts.signature_algorithm, facts.key_bits) == ("dsa", 2048)


def test_a_digest_unlike_the_signatures_is_told_and_the_weaker_one_counts() -> None:
    signer = make_signer()
    for digest, inner, weakest in (
        ("sha512", "sha1", "sha1"),
        ("sha1", "sha256", "sha1"),
        ("sha512", "sha256", "sha256"),
    ):
        facts = require_exact(
            make(signer, identify(RSA_WITH[inner], NULL), sign_rsa(signer, inner), digest=digest)
        )
        assert codes(facts) == ["DIGESTS_DIFFER"]
        assert facts.digest_algorithm == weakest


def test_another_digest_inside_the_signature_than_declared_does_not_hold() -> None:
    signer = make_signer()
    facts = read(make(signer, identify(RSA_WITH["sha3_224"], NULL), sign_rsa(signer, "sha256")))
    assert (facts.digest_matches, facts.signature_holds) == (True, False)


def sign_raw(signer: Signer, info: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """PKCS #1 v1.5 around whatever DigestInfo."""
    numbers = signer.key.private_numbers()
    modulus, size = numbers.public_numbers.n, 256

    def sign(message: bytes) -> bytes:
        inside = info(message)
        block = b"\x00\x01" + b"\xff" * (size - 3 - len(inside)) + b"\x00" + inside
        return int.to_bytes(pow(int.from_bytes(block), numbers.d, modulus), size)

    return sign


def describe_digest(message: bytes, *, parameters: bytes = NULL, more: bytes = b"") -> bytes:
    value = write(4, hashlib.sha256(message).digest())
    return write(SEQUENCE, identify(DIGESTS["sha256"], parameters), value, more)


def test_a_digest_info_without_null_holds_and_any_other_spelling_does_not() -> None:
    signer, algorithm = make_signer(), identify(RSA_WITH["sha256"], NULL)
    require_exact(make(signer, algorithm, sign_raw(signer, describe_digest)))
    absent = sign_raw(signer, lambda message: describe_digest(message, parameters=b""))
    require_exact(make(signer, algorithm, absent))
    for more in (
        sign_raw(signer, lambda message: describe_digest(message, more=NULL)),
        sign_raw(signer, lambda message: describe_digest(message) + bytes(8)),
        sign_raw(signer, lambda message: describe_digest(message, parameters=write(4, bytes(20)))),
        sign_raw(signer, lambda message: hashlib.sha256(message).digest()),
    ):
        assert read(make(signer, algorithm, more)).signature_holds is False


def test_leading_zeros_of_an_rsa_signature_may_be_missing() -> None:
    signer = make_signer()
    tries = ((b"%d" % number, sign_rsa(signer)(b"%d" % number)) for number in range(5000))
    content, value = next((content, value) for content, value in tries if value[0] == 0)
    made = make_info(signer, None, sign=lambda _: value.lstrip(b"\0"))
    assert read(make_cms([made], [signer.certificate]), content).intact


def test_a_modulus_without_its_sign_byte_is_repaired() -> None:
    signer = make_signer()
    modulus = signer.key.public_key().public_numbers().n.to_bytes(256)
    numbers = write(SEQUENCE, write(INTEGER, b"\x00" + modulus), b"\x02\x03\x01\x00\x01")
    negative = write(SEQUENCE, write(INTEGER, modulus), b"\x02\x03\x01\x00\x01")
    infos = [
        write(SEQUENCE, identify(RSA_WITH["sha256"][:-2] + "1", NULL), write(3, b"\x00", each))
        for each in (numbers, negative)
    ]
    assert infos[0] in signer.certificate
    body, *rest = read_first(signer.certificate, SEQUENCE).parts
    changed = write(SEQUENCE, body.content.replace(infos[0], infos[1]))
    odd = write(SEQUENCE, changed, *(part.raw for part in rest))
    made = make_info(signer, list_attributes(more=[refer(odd)]))
    facts = read(make_cms([made], [odd]))
    assert facts.intact
    assert (facts.certificate, facts.key_bits, codes(facts)) == (odd, 2048, [])


@pytest.mark.parametrize("algorithm", ["1.2.643.7.1.1.3.2", "1.2.156.10197.1.501"], ids=["GOST", "SM2"])
def test_unknown_signature_algorithms_are_unsupported_and_not_broken(algorithm: str) -> None:
    facts = read(make(make_signer(), identify(algorithm), bytes))
    assert (facts.digest_matches, facts.signature_holds) == (True, None)
    assert facts.signature_algorithm == algorithm
    assert [fault.detail for fault in facts.faults] == [f"signature algorithm {algorithm}"]


def test_an_unknown_digest_is_unsupported_and_not_broken() -> None:
    signer = make_signer()
    parts = [part.raw for part in read_first(make_info(signer, list_attributes()), SEQUENCE).parts]
    parts[2] = identify("1.2.643.7.1.1.2.2", NULL)
    facts = read(make_cms([write(SEQUENCE, *parts)], [signer.certificate]))
    assert (facts.digest_matches, facts.signature_holds) == (None, True)
    assert facts.digest_algorithm == "sha256"
    assert codes(facts) == ["ALGORITHM_UNSUPPORTED", "DIGESTS_DIFFER"]


def test_a_key_of_another_kind_than_the_algorithm_computes_nothing() -> None:
    signer = make_signer("P-256")
    facts = read(make(signer, identify(RSA_WITH["sha256"], NULL), sign_ecdsa(signer, "sha256")))
    assert facts.signature_holds is None
    assert codes(facts) == ["ALGORITHM_UNSUPPORTED"]


@pytest.mark.parametrize(
    ("demanded", "allowed"),
    [
        (b"", True),
        (describe_pss("sha256", "sha256", 32), True),
        (describe_pss("sha512", "sha512", 64), False),
    ],
    ids=["any", "the same", "others"],
)
def test_a_key_for_pss_alone_is_used_as_it_permits(demanded: bytes, allowed: bool) -> None:
    signer = make_signer()
    old = identify(RSA_WITH["sha256"][:-2] + "1", NULL)
    body, *rest = read_first(signer.certificate, SEQUENCE).parts
    key = next(part for part in body.parts if part.tag == SEQUENCE and part.parts[0].raw == old)
    new = write(SEQUENCE, identify(PSS, demanded), key.parts[1].raw)
    changed = write(SEQUENCE, body.content.replace(key.raw, new))
    odd = write(SEQUENCE, changed, *(part.raw for part in rest))
    pss = identify(PSS, describe_pss("sha256", "sha256", 32))
    facts = read(make(signer, pss, sign_pss(signer, "sha256", "sha256", 32), certificate=odd))
    assert facts.signature_holds is (True if allowed else None)
    plain = read(make(signer, identify(RSA_WITH["sha256"], NULL), sign_rsa(signer), certificate=odd))
    assert plain.signature_holds is None


@pytest.mark.parametrize("bits", [20000, 4096], ids=["too long", "huge exponent"])
def test_rsa_keys_that_openssl_refuses_are_unsupported(bits: int) -> None:
    exponent = 65537 if bits > 16384 else (1 << 100) + 1
    numbers = [((1 << bits - 1) + 1).to_bytes(bits // 8 + 1), exponent.to_bytes(16)]
    key = write(SEQUENCE, *(write(INTEGER, number) for number in numbers))
    info = write(SEQUENCE, identify(RSA_WITH["sha256"][:-2] + "1", NULL), write(3, b"\x00", key))
    with pytest.raises(NotImplementedError, match="RSA key"):
        load_key(info)


def test_every_kind_of_key_was_tried() -> None:
    assert {"rsa", "dsa", "ed25519", "ed448", *CURVES} == set(MAKERS)

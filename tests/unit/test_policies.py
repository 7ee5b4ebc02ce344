"""Policies are data: what the shipped ones say, and what a file of one's own may."""

import dataclasses
import datetime as dt
import io
import subprocess
import sys
from pathlib import Path

import pytest
import verifying

from edoc.core.chain import Algorithm, CertificateKind
from edoc.core.policy import Policy, Retired
from edoc.core.verdicts import Changes, Indication, SubIndication
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError
from edoc.policies import MAX_FILE_BYTES, NAMES, load_policy
from edoc.trust.store import Trust
from edoc.verification import verify

ND68 = load_policy("nd68")
RSA = Algorithm("sha256", "rsa", 3072)


def on(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def write(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


# What is shipped


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_is_named_as_its_file_and_has_a_version(name: str) -> None:
    policy = load_policy(name)
    assert (policy.name, policy.version) == (name, 1)
    assert load_policy(name) is policy
    assert load_policy(policy) is policy


def test_every_policy_has_its_own_hash() -> None:
    assert len({load_policy(name).sha256 for name in NAMES}) == len(NAMES)
    for other in (
        dataclasses.replace(ND68, version=2),
        dataclasses.replace(ND68, trust=("roots",)),
        dataclasses.replace(ND68, tolerance_seconds=61),
        dataclasses.replace(ND68, retired=ND68.retired[1:]),
    ):
        assert other.sha256 != ND68.sha256


def test_what_the_decree_asks_for() -> None:
    assert ND68.trust_required
    assert (ND68.revocation, ND68.missing_revocation) == ("covers_time", "try_later")
    assert not ND68.timestamp_required
    assert ND68.allowed_changes is Changes.FORM_FILLING
    assert (ND68.minimal_rsa_bits, ND68.minimal_ec_bits) == (2048, 256)


def test_where_the_others_differ() -> None:
    etsi = load_policy("etsi")
    assert (etsi.revocation, etsi.timestamp_required, etsi.strict) == ("issued_after", True, True)
    assert not load_policy("integrity").trust_required
    public = load_policy("public-tt15")
    assert public == dataclasses.replace(ND68, name="public-tt15", historic_digests=())


def test_reading_a_shipped_policy_brings_no_heavy_library() -> None:
    heavy = "{'pydantic', 'cryptography', 'asn1crypto', 'httpx', 'pyhanko'}"
    program = f"""
import sys
from edoc.policies import load_policy
load_policy("nd68")
print({heavy} & {{*sys.modules}})
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


# The dated table of algorithms


@pytest.mark.parametrize(
    ("algorithm", "last"),
    [
        (Algorithm("sha1", "rsa", 3072), "2016-12-31"),
        (Algorithm("ripemd160", "rsa", 3072), "2014-12-31"),
        (Algorithm("sha224", "ec", 256), "2028-12-31"),
        (Algorithm("sha3_224", "ec", 256), "2028-12-31"),
        (Algorithm("sha512_224", "ec", 256), "2028-12-31"),
        (Algorithm("sha256", "rsa", 2048), "2030-12-31"),
        (Algorithm("sha256", "dsa", 3072), "2023-12-31"),
        (Algorithm("sha256", "dsa", 1024), "2013-12-31"),
    ],
    ids=str,
)
def test_an_algorithm_counts_until_its_last_day(algorithm: Algorithm, last: str) -> None:
    until = on(f"{last}T23:59:59")
    assert ND68.find_weakness(algorithm, until) == ""
    assert ND68.find_weakness(algorithm, until + dt.timedelta(seconds=1)) != ""


@pytest.mark.parametrize(
    "algorithm",
    [RSA, Algorithm("sha3_512", "ec", 256), Algorithm("sha512", "", 0)],
    ids=["RSA", "ECDSA", "EdDSA, which has one strength"],
)
def test_what_is_strong_has_no_end_yet(algorithm: Algorithm) -> None:
    assert ND68.find_weakness(algorithm, on("2040-01-01")) == ""


@pytest.mark.parametrize(
    "algorithm",
    [Algorithm("md5", "rsa", 3072), Algorithm("sha256", "rsa", 2047), Algorithm("sha256", "ec", 255)],
    ids=str,
)
def test_what_was_always_weak_never_counted(algorithm: Algorithm) -> None:
    assert ND68.find_weakness(algorithm, on("1999-01-01")) != ""


def test_the_day_is_that_of_utc() -> None:
    hanoi = dt.timezone(dt.timedelta(hours=7))
    still = dt.datetime(2017, 1, 1, 6, 59, tzinfo=hanoi)
    assert ND68.find_weakness(Algorithm("sha1", "rsa", 3072), still) == ""


def test_old_digests_count_in_certificates_of_proven_history_only() -> None:
    assert ND68.list_historic(on("2020-12-31"), proven=True) == {"sha1"}
    assert ND68.list_historic(on("2020-12-31"), proven=False) == frozenset()
    assert ND68.list_historic(on("2021-01-01"), proven=True) == frozenset()
    assert load_policy("public-tt15").list_historic(on("2010-01-01"), proven=True) == frozenset()


# One's own


def test_what_a_file_does_not_say_is_as_in_nd68(tmp_path: Path) -> None:
    own = load_policy(write(tmp_path, 'name = "tỉnh"'))
    assert own == dataclasses.replace(ND68, name="tỉnh")


def test_a_file_may_say_everything(tmp_path: Path) -> None:
    text = """
        name = "tỉnh"
        version = 3
        trust_required = true
        trust = ["roots", "more/ca.pem"]
        allowed_changes = "ltv_update"
        kinds = ["person", "agency"]
        weak_digests = ["md5", "sha1"]
        minimal_rsa_bits = 3072
        minimal_ec_bits = 384
        retired = [
            {name = "sha224", since = 2020-01-01},
            {name = "rsa", below_bits = 4096, since = 2028-01-01},
        ]
        revocation = "issued_after"
        missing_revocation = "ignore"
        tolerance_seconds = 5
        timestamp_required = true
        strict = true
        [historic_digests]
        sha1 = 2012-01-01
    """
    assert load_policy(write(tmp_path, text)) == Policy(
        name="tỉnh",
        version=3,
        trust_required=True,
        trust=(str(tmp_path / "roots"), str(tmp_path / "more/ca.pem")),
        allowed_changes=Changes.LTV_UPDATE,
        kinds=(CertificateKind.PERSON, CertificateKind.AGENCY),
        weak_digests=("md5", "sha1"),
        minimal_rsa_bits=3072,
        minimal_ec_bits=384,
        retired=(
            Retired("sha224", 0, dt.date(2020, 1, 1)),
            Retired("rsa", 4096, dt.date(2028, 1, 1)),
        ),
        historic_digests=(("sha1", dt.date(2012, 1, 1)),),
        revocation="issued_after",
        missing_revocation="ignore",
        tolerance_seconds=5,
        timestamp_required=True,
        strict=True,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "x"\nlenient = true', "lenient: a policy says no such thing"),
        ('name = "x"\nstrict = "no"', "strict: bool expected"),
        ('name = "x"\nstrict = 1', "strict: bool expected"),
        ('name = "x"\nminimal_rsa_bits = -1', "minimal_rsa_bits: a number from 0"),
        ('name = "x"\nminimal_rsa_bits = true', "minimal_rsa_bits: int expected"),
        ('name = "x"\nrevocation = "never"', "revocation: one of covers_time, issued_after"),
        ('name = "x"\nmissing_revocation = []', "missing_revocation: one of"),
        ('name = "x"\nkinds = ["king"]', "kinds: "),
        ('name = "x"\nkinds = "person"', "kinds: list expected"),
        ('name = "x"\nallowed_changes = "everything"', "allowed_changes: "),
        ('name = "x"\nretired = [{name = "sha1"}]', "retired: each says name, since"),
        ('name = "x"\nretired = [{name = "rsa", below = 9, since = 2020-01-01}]', "retired: each says"),
        ('name = "x"\nretired = [{name = "sha1", since = "2020"}]', "retired: date expected"),
        ('name = "x"\nretired = [{name = "sha1", since = 2020-01-01T00:00:00Z}]', "retired: date expected"),
        ('name = "x"\ntrust = [7]', "trust: str expected"),
        ('name = ""', "a name of its own"),
        ('name = "nd68"', "a name of its own"),
        ("version = 2", "a name of its own"),
        ("name =", "cannot be read as TOML"),
        ("# " + "x" * MAX_FILE_BYTES, "at most"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_with_its_reason(text: str, words: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=words) as caught:
        load_policy(path)
    assert str(path) in str(caught.value)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes('name = "tỉnh"'.encode("utf-16"))
    with pytest.raises(InputError, match="cannot be read as TOML"):
        load_policy(path)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="integrity, nd68"):
        load_policy("nd-68")


# Where they matter


def test_a_policy_brings_its_own_trust_store_and_what_is_given_goes_before_it(
    pki: DevPki, tmp_path: Path
) -> None:
    journey = verifying.travel(pki)
    own = write(tmp_path, f'name = "tỉnh"\ntrust = ["{pki.trust_path}"]')
    (file,) = verify(io.BytesIO(journey.sealed), policy=load_policy(own), offline=True).files
    assert file.indication is Indication.TOTAL_PASSED
    stranger = Trust(roots=(pki.certificate("b-seal"),))
    (file,) = verify(io.BytesIO(journey.sealed), policy=load_policy(own), trust=stranger, offline=True).files
    assert file.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_a_trust_store_that_is_not_there_is_said(pki: DevPki, tmp_path: Path) -> None:
    own = load_policy(write(tmp_path, 'name = "tỉnh"\ntrust = ["nowhere"]'))
    with pytest.raises(InputError, match="nowhere"):
        verify(io.BytesIO(verifying.travel(pki).sealed), policy=own, offline=True)


def test_the_report_says_under_which_policy_it_judged(pki: DevPki, tmp_path: Path) -> None:
    own = load_policy(write(tmp_path, 'name = "tỉnh"\nversion = 4'))
    report = verify(io.BytesIO(verifying.travel(pki).signed), policy=own, offline=True)
    assert (report.policy_name, report.policy_sha256) == ("tỉnh", own.sha256)

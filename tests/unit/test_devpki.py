"""The development PKI as a folder of files, judged by OpenSSL."""

import shutil
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from edoc.core.devmark import DEV_ROOT_OID
from edoc.devpki import folder as folders
from edoc.devpki.hierarchy import DevPki, make, open_pki, revoke
from edoc.devpki.profiles import AGENCIES, Agency
from edoc.errors import InputError
from edoc.keys.loading import load_key

NOW = datetime(2026, 3, 5, 3, 20, 30, tzinfo=UTC)
KEYS = {"a-person1", "a-person2", "a-seal", "b-person1", "b-person2", "b-seal", "system"}
LEAVES = sorted(KEYS | {"tsa", "ocsp-agencies", "ocsp-services"})


def load(pki: DevPki, name: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(pki.certificate(name))


def snapshot(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def check_with_openssl(pki: DevPki, name: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    bundle, leaf = tmp_path / "bundle.pem", tmp_path / "leaf.pem"
    parts = [path.read_bytes() for path in sorted(pki.trust_path.glob("*.pem"))]
    crls = [x509.load_der_x509_crl(pki.crl(name)) for name in ("root", "agencies", "services")]
    parts += [crl.public_bytes(Encoding.PEM) for crl in crls]
    bundle.write_bytes(b"".join(parts))
    leaf.write_bytes(load(pki, name).public_bytes(Encoding.PEM))
    command: list[str | Path] = [
        "openssl",
        "verify",
        "-x509_strict",
        "-crl_check_all",
        "-CAfile",
        bundle,
        leaf,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_folder_holds_what_the_contract_names(pki: DevPki) -> None:
    assert {path.stem for path in pki.folder.glob("*.p12")} == KEYS
    trusted = {f"{name}.{kind}" for name in ("root", "agencies", "services") for kind in ("pem", "crl")}
    assert {path.name for path in pki.trust_path.iterdir()} == trusted
    assert pki.made
    assert len(pki.passphrase) >= 32


@pytest.mark.parametrize("name", LEAVES)
def test_openssl_accepts_every_certificate_with_its_crls(pki: DevPki, name: str, tmp_path: Path) -> None:
    checked = check_with_openssl(pki, name, tmp_path)
    assert checked.returncode == 0, checked.stderr


def test_openssl_refuses_a_revoked_certificate_and_a_revoked_ca(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    pki = make(tmp_path / "pki", now=now)
    revoke(pki, "a-seal", at=now - timedelta(minutes=1), now=now)
    revoke(pki, "services", at=now - timedelta(minutes=1), now=now, reason=x509.ReasonFlags.superseded)
    for name in ("a-seal", "system"):
        assert "certificate revoked" in check_with_openssl(pki, name, tmp_path).stderr
    assert check_with_openssl(pki, "b-seal", tmp_path).returncode == 0


def test_secrets_are_for_their_owner_only(pki: DevPki) -> None:
    secret = [*pki.folder.glob("*.p12"), *(pki.folder / "ca").iterdir(), pki.passphrase_path]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in secret)
    assert stat.S_IMODE((pki.folder / "ca").stat().st_mode) == 0o700
    assert sum(path.suffix == ".key" for path in secret) == 6


def test_nothing_readable_holds_the_passphrase_or_a_key(pki: DevPki) -> None:
    passphrase = pki.passphrase.encode()
    for name, content in snapshot(pki.folder).items():
        assert (passphrase in content) == (name == "passphrase.txt")
        assert (b"PRIVATE KEY" in content) == name.endswith(".key")
    assert pki.passphrase not in repr(pki)


def read_subject(pki: DevPki, name: str) -> dict[x509.ObjectIdentifier, str]:
    return {attribute.oid: str(attribute.value) for attribute in load(pki, name).subject}


@pytest.mark.parametrize("agency", AGENCIES, ids=lambda agency: agency.organ_id)
def test_persons_and_agencies_are_named_by_the_european_profiles(pki: DevPki, agency: Agency) -> None:
    seal = read_subject(pki, agency.seal_name)
    assert seal[NameOID.COMMON_NAME] == seal[NameOID.ORGANIZATION_NAME] == agency.name
    assert seal[NameOID.ORGANIZATION_IDENTIFIER] == f"OI:VN-{agency.organ_id}"
    for person in agency.persons:
        subject = read_subject(pki, person.key_name)
        assert subject[NameOID.COMMON_NAME] == f"DEV {person.surname} {person.given_name}"
        assert subject[NameOID.SURNAME] == person.surname
        assert subject[NameOID.GIVEN_NAME] == person.given_name
        assert subject[NameOID.ORGANIZATION_NAME] == agency.name
        assert subject[NameOID.SERIAL_NUMBER].startswith("CCCD:0000")
        assert person.position not in subject.values()


def test_every_name_is_marked_and_so_is_the_root(pki: DevPki) -> None:
    for name in (*LEAVES, "root", "agencies", "services"):
        assert read_subject(pki, name)[NameOID.COMMON_NAME].startswith("DEV ")
        marked = any(found.oid.dotted_string == DEV_ROOT_OID for found in load(pki, name).extensions)
        assert marked == (name == "root")


def test_periods_keep_to_the_decree(pki: DevPki) -> None:
    for name in (*LEAVES, "root", "agencies", "services"):
        certificate = load(pki, name)
        years = 5 if name in LEAVES else 20
        period = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert period == timedelta(days=365 * years)
        assert certificate.not_valid_after_utc <= load(pki, "root").not_valid_after_utc


def test_crls_last_a_year_for_every_ca(pki: DevPki) -> None:
    for name in ("root", "agencies", "services"):
        crl = x509.load_der_x509_crl(pki.crl(name))
        assert crl.issuer == load(pki, name).subject
        assert crl.next_update_utc is not None
        assert timedelta(days=365) <= crl.next_update_utc - crl.last_update_utc <= timedelta(days=366)


def test_a_pki_of_the_past_has_expired(tmp_path: Path) -> None:
    pki = make(tmp_path / "pki", now=NOW - timedelta(days=3650))
    assert load(pki, "a-person1").not_valid_after_utc < NOW
    assert load(pki, "root").not_valid_after_utc > NOW


def test_addresses_in_certificates_follow_the_base_address(tmp_path: Path) -> None:
    pki = make(tmp_path / "pki", now=NOW, base_url="http://127.0.0.1:4711/")
    points = load(pki, "tsa").extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert [name.value for name in points[0].full_name or ()] == ["http://127.0.0.1:4711/crl/services.crl"]
    assert open_pki(pki.folder).base_url == "http://127.0.0.1:4711"


def test_a_complete_pki_is_kept_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    assert make(folder, now=NOW).made
    before = snapshot(folder)
    kept = make(folder, now=NOW + timedelta(days=1), base_url="http://127.0.0.1:1")
    assert not kept.made
    assert kept.base_url == "http://127.0.0.1:8900"
    assert snapshot(folder) == before
    replaced = make(folder, now=NOW, replace=True)
    assert replaced.made
    after = snapshot(folder)
    assert after.keys() == before.keys()
    assert all(after[name] != before[name] for name in after if name != "pki.json")
    load_key(replaced.key_path("a-seal"), passphrase=replaced.passphrase)


def test_crls_of_yesterday_are_issued_again_and_those_of_today_stay(tmp_path: Path) -> None:
    pki = make(tmp_path / "pki", now=NOW)
    first = pki.crl("agencies")
    assert make(tmp_path / "pki", now=NOW + timedelta(hours=20)).crl("agencies") == first
    later = NOW + timedelta(days=2)
    renewed = x509.load_der_x509_crl(make(tmp_path / "pki", now=later).crl("agencies"))
    assert later - timedelta(days=1) < renewed.last_update_utc <= later


def test_crls_past_their_year_are_issued_again_and_forget_nothing(tmp_path: Path) -> None:
    pki = make(tmp_path / "pki", now=NOW)
    revoke(pki, "a-seal", at=NOW, now=NOW)
    revoke(pki, "a-seal", at=NOW + timedelta(days=2), now=NOW + timedelta(days=2))
    later = NOW + timedelta(days=400)
    pki = make(tmp_path / "pki", now=later)
    assert not pki.made
    crl = x509.load_der_x509_crl(pki.crl("agencies"))
    assert crl.next_update_utc is not None
    assert crl.next_update_utc > later
    assert [(entry.serial_number, entry.revocation_date_utc) for entry in crl] == [
        (load(pki, "a-seal").serial_number, NOW)
    ]
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3


def test_a_readme_survives_everything(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("stays")
    (tmp_path / ".gitignore").write_text("*")
    make(tmp_path, now=NOW)
    make(tmp_path, now=NOW, replace=True)
    assert (tmp_path / "README.md").read_text() == "stays"
    assert (tmp_path / ".gitignore").read_text() == "*"


def test_a_half_made_pki_is_refused_until_it_is_to_be_replaced(tmp_path: Path) -> None:
    pki = make(tmp_path / "pki", now=NOW)
    (pki.folder / "system.p12").unlink()
    with pytest.raises(InputError, match=r"incomplete.*--replace"):
        make(pki.folder, now=NOW)
    with pytest.raises(InputError, match=r"incomplete.*--replace"):
        open_pki(pki.folder)
    (pki.folder / "pki.json").unlink()
    with pytest.raises(InputError, match="incomplete"):
        make(pki.folder, now=NOW)
    assert make(pki.folder, now=NOW, replace=True).made


@pytest.mark.parametrize("replace", [False, True])
def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path, *, replace: bool) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")
    (tmp_path / "trust").mkdir()
    before = snapshot(tmp_path)
    with pytest.raises(InputError, match="no development PKI"):
        make(tmp_path, now=NOW, replace=replace)
    assert snapshot(tmp_path) == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(InputError, match="this is no folder"):
        make(path, now=NOW)


def test_a_broken_description_says_what_to_do(tmp_path: Path) -> None:
    pki = make(tmp_path / "pki", now=NOW)
    (pki.folder / "pki.json").write_text("[]")
    with pytest.raises(InputError, match=r"broken.*--replace"):
        open_pki(pki.folder)


def test_opening_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no development PKI"):
        open_pki(tmp_path / "none")


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The disk fills up at the fifth private file.
    written = []

    def write(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 5:
            raise OSError(28, "No space left on device", str(path))
        path.write_bytes(content)

    old = make(tmp_path / "old", now=NOW)
    before = snapshot(old.folder)
    monkeypatch.setattr(folders, "write_private", write)
    with pytest.raises(OSError, match="No space left"):
        make(tmp_path / "pki", now=NOW)
    written.clear()
    with pytest.raises(OSError, match="No space left"):
        make(old.folder, now=NOW, replace=True)
    assert list(tmp_path.iterdir()) == [old.folder]
    assert snapshot(old.folder) == before


def test_two_makers_at_once_make_one_pki(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: make(tmp_path / "pki", now=NOW), range(4)))
    assert [pki.made for pki in made].count(True) == 1
    for name in KEYS:
        load_key(made[0].key_path(name), passphrase=made[0].passphrase)


def test_a_time_without_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without its zone"):
        make(tmp_path / "pki", now=NOW.replace(tzinfo=None))
    assert not (tmp_path / "pki").exists()


def test_an_unknown_name_is_refused(pki: DevPki) -> None:
    with pytest.raises(InputError, match="no certificate 'nobody'"):
        pki.certificate("nobody")


def test_a_pki_can_be_moved(tmp_path: Path) -> None:
    made = make(tmp_path / "here", now=NOW)
    shutil.move(made.folder, tmp_path / "there")
    moved = open_pki(tmp_path / "there")
    load_key(moved.key_path("b-person2"), passphrase=moved.passphrase)

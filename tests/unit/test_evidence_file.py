"""What a judgement rests on, kept in a file; from it alone the same judgement follows."""

import dataclasses
import datetime as dt
import io
import json
import socket
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import reporting
import verifying

from edoc.core.report import Indication, SubIndication
from edoc.core.verdicts import Origin
from edoc.devpki.hierarchy import DevPki, make
from edoc.devpki.server import serving
from edoc.errors import InputError, Refused, Unavailable
from edoc.policies import load_policy
from edoc.trust.fetch import HttpFetcher
from edoc.trust.store import Trust
from edoc.verification import verify, verify_many
from edoc.verification.confinement import Limits
from edoc.verification.dossier import Dossier, judge_again, judge_and_save
from edoc.verification.dossierfile import load, pack, unpack
from edoc.verification.recording import Exchange, Recorder, Replay

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
HOST = "pki.agency.invalid"
"""What certificates of the online tests name: a host that no resolver knows."""


@pytest.fixture(scope="module")
def letter(pki: DevPki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("letter") / "letter.pdf"
    path.write_bytes(reporting.archive(pki))
    return path


@pytest.fixture(scope="module")
def trust(pki: DevPki) -> Trust:
    return Trust.load(pki.trust_path)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("somebody asked the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Trust, str]]:
    """A letter without CRLs, whose certificates name `HOST`; a trust of the root alone; the services."""
    folder = tmp_path_factory.mktemp("bare")
    pki = make(folder / "pki", now=NOW - dt.timedelta(days=1), base_url=f"http://{HOST}")
    path = folder / "bare.pdf"
    path.write_bytes(verifying.travel(pki).signed)
    with serving(pki) as url:
        yield path, Trust(roots=(pki.certificate("root"),)), url


# The same report


@pytest.mark.parametrize("limits", [None, Limits()])
@pytest.mark.usefixtures("no_network")
def test_the_same_report_follows_from_the_file_alone(
    letter: Path, trust: Trust, tmp_path: Path, limits: Limits | None
) -> None:
    kept = tmp_path / "letter.evidence"
    first = verify(letter, trust=trust, offline=True, rule="nd30", save_evidence=kept, limits=limits)
    assert first.files[0].indication is Indication.TOTAL_PASSED
    assert first.files[0].document_rule.passed
    assert verify(letter, evidence=kept, limits=limits).to_dict() == first.to_dict()


def test_everything_that_decides_is_in_it(letter: Path, trust: Trust, tmp_path: Path) -> None:
    kept = tmp_path / "letter.evidence"
    at = dt.datetime(2031, 5, 4, 3, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=7)))
    policy = dataclasses.replace(load_policy("nd68"), name="ours")
    first = verify(letter, trust=trust, offline=True, at=at, policy=policy, save_evidence=kept)
    dossier = load(kept)
    assert (dossier.at, dossier.policy, dossier.rule) == (at, policy, "none")
    assert dossier.files == (first.files[0].sha256,)
    assert dossier.trust.roots == trust.roots
    assert not dossier.online


def test_only_what_was_used_of_the_trust_store_is_kept(pki: DevPki, trust: Trust, tmp_path: Path) -> None:
    kept = tmp_path / "signed.evidence"
    path = tmp_path / "signed.pdf"
    path.write_bytes(verifying.travel(pki).signed)
    report = verify(path, trust=trust, offline=True, save_evidence=kept)
    dossier = load(kept)
    used = {piece.sha256 for piece in report.files[0].evidence if piece.origin is Origin.TRUST_STORE}
    assert 0 < len(dossier.trust.crls) < len(trust.crls)
    assert len(used) == 1 + len(dossier.trust.crls) + len(dossier.trust.intermediates)
    assert verify(path, evidence=kept).to_dict() == report.to_dict()


@pytest.mark.parametrize("spoil", ["root", "crls", "change", "everything"])
def test_a_judgement_that_did_not_pass_is_repeated_too(
    pki: DevPki, trust: Trust, tmp_path: Path, spoil: str
) -> None:
    path = tmp_path / "signed.pdf"
    signed = verifying.travel(pki).sealed
    path.write_bytes(verifying.update(signed, verifying.draw_on_page) if spoil == "change" else signed)
    spoilt = {
        "root": dataclasses.replace(trust, roots=()),
        "crls": dataclasses.replace(trust, crls=()),
        "change": trust,
        "everything": Trust.empty(),
    }[spoil]
    first = verify(path, trust=spoilt, offline=True, save_evidence=tmp_path / "kept")
    assert first.exit_code in {1, 3}
    assert verify(path, evidence=tmp_path / "kept").to_dict() == first.to_dict()


def test_several_files_have_one_file_of_evidence(pki: DevPki, trust: Trust, tmp_path: Path) -> None:
    journey = verifying.travel(pki)
    paths = []
    for name in ("unsigned", "signed", "sealed"):
        paths.append(tmp_path / f"{name}.pdf")
        paths[-1].write_bytes(getattr(journey, name))
    paths.append(tmp_path / "missing.pdf")
    first = judge_and_save(verify_many, paths, tmp_path / "kept", trust=trust, offline=True)
    assert judge_again(verify_many, paths, tmp_path / "kept").to_dict() == first.to_dict()
    assert len(load(tmp_path / "kept").files) == 3


def test_a_stream_that_cannot_be_rewound_is_held(letter: Path, trust: Trust, tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    data = letter.read_bytes()
    first = verify(Pipe(data), trust=trust, offline=True, save_evidence=tmp_path / "kept")
    again = verify(io.BytesIO(data), evidence=tmp_path / "kept")
    assert again.files[0].signatures == first.files[0].signatures


# From the network


def test_what_was_fetched_is_kept_and_given_again(
    bare: tuple[Path, Trust, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, root_only, url = bare
    with HttpFetcher(hosts={HOST: url}) as fetcher:
        first = verify(path, trust=root_only, fetcher=fetcher, save_evidence=tmp_path / "kept")
    assert first.files[0].indication is Indication.TOTAL_PASSED
    origins = {piece.origin for piece in first.files[0].evidence}
    assert Origin.FETCHED in origins
    asked = [exchange.url.removeprefix(f"http://{HOST}") for exchange in load(tmp_path / "kept").exchanges]
    assert "/crl/root.crl" in asked
    monkeypatch.setattr(socket, "create_connection", None)
    assert verify(path, evidence=tmp_path / "kept").to_dict() == first.to_dict()


def test_a_network_that_failed_fails_again_in_the_same_words(
    bare: tuple[Path, Trust, str], tmp_path: Path
) -> None:
    path, root_only, _ = bare
    with HttpFetcher(hosts={HOST: "http://127.0.0.1:9"}, timeout_seconds=5) as fetcher:
        first = verify(path, trust=root_only, fetcher=fetcher, save_evidence=tmp_path / "kept")
    assert first.files[0].indication is Indication.INDETERMINATE
    assert any("does not answer" in message.text for message in first.files[0].signatures[0].messages)
    assert verify(path, evidence=tmp_path / "kept").to_dict() == first.to_dict()


def test_one_question_has_one_answer_for_a_whole_judgement() -> None:
    answers = iter([b"first", b"second"])

    class Changing:
        def fetch(self, url: str) -> bytes:
            del url
            return next(answers)

        def post(self, url: str, body: bytes, *, content_type: str, accept: str) -> bytes:
            raise Unavailable("not now.", where=url + body.decode() + content_type + accept)

    recorder = Recorder(Changing())
    assert recorder.fetch("http://a/") == recorder.fetch("http://a/") == b"first"
    for fetcher in (recorder, Replay(recorder.exchanges), Replay(recorder.exchanges)):
        assert fetcher.fetch("http://a/") == b"first"
        with pytest.raises(Unavailable):
            fetcher.post("http://b/", b"q", content_type="x", accept="y")
    with pytest.raises(Unavailable, match="no answer"):
        Replay(recorder.exchanges).fetch("http://c/")


# Whose word counts


def test_roots_of_the_evidence_count_only_where_the_reader_trusts_them_too(
    letter: Path, trust: Trust, tmp_path: Path
) -> None:
    verify(letter, trust=trust, offline=True, save_evidence=tmp_path / "kept")
    assert verify(letter, trust=trust, evidence=tmp_path / "kept").exit_code == 0
    stranger = verify(letter, trust=Trust(roots=(b"another root",)), evidence=tmp_path / "kept")
    assert stranger.files[0].sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_another_file_than_the_one_that_was_judged_is_told_apart(
    letter: Path, pki: DevPki, trust: Trust, tmp_path: Path
) -> None:
    verify(letter, trust=trust, offline=True, save_evidence=tmp_path / "kept")
    other = io.BytesIO(verifying.travel(pki).sealed)
    report = verify(other, evidence=tmp_path / "kept")
    assert report.files[0].messages[0].code == "EVIDENCE_OF_OTHERS"
    reporting.validate(report)


@pytest.mark.parametrize("given", [{"at": NOW}, {"save_evidence": "x"}, {"fetcher": Replay(())}])
def test_what_the_evidence_decides_cannot_be_given_besides(
    letter: Path, trust: Trust, tmp_path: Path, given: dict[str, Any]
) -> None:
    verify(letter, trust=trust, offline=True, save_evidence=tmp_path / "kept")
    with pytest.raises(InputError, match="decides"):
        verify(letter, evidence=tmp_path / "kept", **given)


def test_a_file_that_changes_meanwhile_leaves_no_evidence(letter: Path, trust: Trust, tmp_path: Path) -> None:
    turns = iter(range(10))

    def judge_changing(sources: Any, **options: Any) -> Any:
        report = verify_many(sources, **options)
        files = [dataclasses.replace(file, size=next(turns)) for file in report.files]
        return dataclasses.replace(report, files=tuple(files))

    with pytest.raises(Refused, match="repeated"):
        judge_and_save(judge_changing, [letter], tmp_path / "kept", trust=trust, offline=True)
    assert not (tmp_path / "kept").exists()


# The file itself


@pytest.fixture(scope="module")
def dossier(letter: Path, trust: Trust, tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    kept = tmp_path_factory.mktemp("dossier") / "kept"
    verify(letter, trust=trust, offline=True, save_evidence=kept)
    exchanges = (
        Exchange(url="http://a/", answer=b"list"),
        Exchange(url="http://b/", request=b"question", failure="ANSWERED_BADLY", what="no.", where="b"),
    )
    return dataclasses.replace(load(kept), exchanges=exchanges, online=True, trust=trust)


def test_a_dossier_is_read_as_it_was_written_and_has_one_form(dossier: Dossier) -> None:
    content = pack(dossier)
    assert unpack(content) == dossier
    assert pack(unpack(content)) == content


def test_any_program_can_open_it(dossier: Dossier, trust: Trust) -> None:
    with zipfile.ZipFile(io.BytesIO(pack(dossier))) as archive:
        assert archive.testzip() is None
        head = json.loads(archive.read("evidence.json"))
        assert head["format"] == "edoc-evidence-1"
        assert [archive.read(name) for name in head["roots"]] == list(trust.roots)
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def rewrite(content: bytes, change: Callable[[dict[str, bytes]], None], **settings: Any) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **settings) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return buffer.getvalue()


def edit_head(**changed: object) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members["evidence.json"] = json.dumps(json.loads(members["evidence.json"]) | changed).encode()

    return change


def spoil_certificate(members: dict[str, bytes]) -> None:
    name = next(name for name in members if name.startswith("certificates/"))
    members[name] = members[name][:-1] + bytes([members[name][-1] ^ 1])


@pytest.mark.parametrize(
    "change",
    [
        spoil_certificate,
        lambda members: members.pop("evidence.json"),
        lambda members: members.pop(next(name for name in members if name.endswith(".cer"))),
        lambda members: members.update({"../../etc/passwd": b"x"}),
        lambda members: members.update({"evidence.json": b"{"}),
        lambda members: members.update({"evidence.json": b"[" * 100_000}),
        edit_head(format="edoc-evidence-2"),
        edit_head(policy_sha256="0" * 64),
        edit_head(validation_time="2026-02-05T08:00:00"),
        edit_head(validation_time="soon"),
        edit_head(roots=["certificates/" + "0" * 64 + ".cer"]),
        edit_head(roots=["evidence.json"]),
        edit_head(policy=None),
    ],
)
def test_what_was_changed_is_not_read(dossier: Dossier, change: Callable[[dict[str, bytes]], None]) -> None:
    with pytest.raises(InputError):
        unpack(rewrite(pack(dossier), change))


def test_nothing_in_it_expands(dossier: Dossier) -> None:
    with pytest.raises(InputError, match="stored"):
        unpack(rewrite(pack(dossier), lambda _: None, compression=zipfile.ZIP_DEFLATED))


def test_a_member_twice_is_refused(dossier: Dossier) -> None:
    buffer = io.BytesIO(pack(dossier))
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("evidence.json", b"{}")
    with pytest.raises(InputError, match="twice"):
        unpack(buffer.getvalue())


def test_any_damage_ends_in_an_error_or_the_same_dossier(dossier: Dossier) -> None:
    content = pack(dossier)
    for place in range(0, len(content), max(1, len(content) // 400)):
        damaged = content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]
        try:
            assert unpack(damaged) == dossier
        except InputError:
            continue


def test_a_file_that_is_none_is_named(tmp_path: Path, letter: Path) -> None:
    for path, words in ((tmp_path / "none", "cannot be read"), (letter, "no evidence")):
        with pytest.raises(InputError, match=words) as caught:
            verify(letter, evidence=path)
        assert caught.value.where == str(path)

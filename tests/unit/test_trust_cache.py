"""CRLs, OCSP answers and issuers that processes share, kept until their nextUpdate and no longer."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from answering import Answering, Asked, Handle, answering
from asn1crypto import crl as asn1_crl
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from edoc.core.chain import ChainStatus
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import Services, serving
from edoc.errors import Unavailable
from edoc.trust.cache import FAILURE, REFRESH_AT_MOST, CachingFetcher
from edoc.trust.chain import examine
from edoc.trust.fetch import OCSP_REQUEST, OCSP_RESPONSE, AnsweredBadly, HttpFetcher
from edoc.trust.store import Trust

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


def make_crl(pki: DevPki, *, number: int = 1, life: timedelta | None = 2 * HOUR) -> bytes:
    authority = pki.load_authority("agencies")
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(NOW - HOUR)
        .next_update(NOW + (life or HOUR))
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    crl = builder.sign(authority.key, SHA256())
    if life is not None:
        return crl.public_bytes(Encoding.DER)
    return strip_next_update(pki, crl)


def strip_next_update(pki: DevPki, crl: x509.CertificateRevocationList) -> bytes:
    parsed = asn1_crl.CertificateList.load(crl.public_bytes(Encoding.DER))
    body = parsed["tbs_cert_list"]
    del body["next_update"]
    key = pki.load_service_key("agencies")
    parsed["signature"] = key.sign(body.dump(force=True), padding.PKCS1v15(), SHA256())
    der: bytes = parsed.dump(force=True)
    assert x509.load_der_x509_crl(der).next_update_utc is None
    return der


class Holding(CachingFetcher):
    """A cache over HTTP that closes its connections."""

    def __init__(self, folder: Path, clock: Callable[[], datetime], **options: Any) -> None:
        self.http = HttpFetcher(timeout_seconds=5)
        super().__init__(self.http, folder, now=clock, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()


def count(server: Answering) -> int:
    return len(server.requests)


# Life


def test_an_answer_is_given_until_its_next_update(pki: DevPki, tmp_path: Path) -> None:
    crl, clock = make_crl(pki), Clock()
    with answering(lambda _: crl) as server, Holding(tmp_path, clock, refresh_share=1) as fetcher:
        for moment in (NOW, NOW + HOUR, NOW + 2 * HOUR - SECOND):
            clock.at = moment
            assert fetcher.fetch(f"{server.url}/ca.crl") == crl
        assert count(server) == 1
        clock.at = NOW + 2 * HOUR
        fetcher.fetch(f"{server.url}/ca.crl")
        assert count(server) == 2


def test_after_a_share_of_its_life_a_newer_one_is_asked_for(pki: DevPki, tmp_path: Path) -> None:
    answers = [make_crl(pki), make_crl(pki, number=2)]
    clock = Clock()
    with (
        answering(lambda _: answers[min(count(server), 2) - 1]) as server,
        Holding(tmp_path, clock, refresh_share=0.5) as fetcher,
    ):
        assert fetcher.fetch(f"{server.url}/ca.crl") == answers[0]
        clock.at = NOW + HOUR - SECOND
        assert fetcher.fetch(f"{server.url}/ca.crl") == answers[0]
        clock.at = NOW + HOUR
        assert fetcher.fetch(f"{server.url}/ca.crl") == answers[1]


def test_a_crl_of_a_year_is_renewed_twice_a_day(pki: DevPki, tmp_path: Path) -> None:
    crl, clock = make_crl(pki, life=365 * DAY), Clock()
    with answering(lambda _: crl) as server, Holding(tmp_path, clock) as fetcher:
        fetcher.fetch(f"{server.url}/ca.crl")
        clock.at = NOW + REFRESH_AT_MOST
        fetcher.fetch(f"{server.url}/ca.crl")
        assert count(server) == 2


def test_the_old_one_serves_while_its_server_is_dead_and_not_a_second_longer(
    pki: DevPki, tmp_path: Path
) -> None:
    crl, clock = make_crl(pki), Clock()
    alive = [True]
    with answering(lambda _: crl if alive[0] else 503) as server, Holding(tmp_path, clock) as fetcher:
        url = f"{server.url}/ca.crl"
        fetcher.fetch(url)
        alive[0] = False
        clock.at = NOW + 2 * HOUR - SECOND
        assert [fetcher.fetch(url) for _ in range(3)] == [crl] * 3
        assert count(server) == 2
        clock.at = NOW + 2 * HOUR
        with pytest.raises(Unavailable, match="status 503"):
            fetcher.fetch(url)


def test_an_answer_without_next_update_is_kept_shortly(pki: DevPki, tmp_path: Path) -> None:
    crl, clock = make_crl(pki, life=None), Clock()
    with answering(lambda _: crl) as server, Holding(tmp_path, clock) as fetcher:
        for moment in (NOW, NOW + timedelta(minutes=2), NOW + timedelta(minutes=6)):
            clock.at = moment
            fetcher.fetch(f"{server.url}/ca.crl")
        assert count(server) == 2


def test_certificates_are_kept(pki: DevPki, tmp_path: Path) -> None:
    clock = Clock()
    with answering(lambda _: pki.certificate("agencies")) as server:
        with Holding(tmp_path, clock) as fetcher:
            fetcher.fetch(f"{server.url}/ca.cer")
        with Holding(tmp_path, clock) as fetcher:
            assert fetcher.fetch(f"{server.url}/ca.cer") == pki.certificate("agencies")
        assert count(server) == 1


@pytest.mark.parametrize("junk", [b"", b"<html>moved</html>", b"\x30\x00"])
def test_what_does_not_parse_is_given_but_not_kept(tmp_path: Path, junk: bytes) -> None:
    clock = Clock()
    with answering(lambda _: junk) as server, Holding(tmp_path, clock) as fetcher:
        for moment in (NOW, NOW + FAILURE - SECOND, NOW + FAILURE):
            clock.at = moment
            assert fetcher.fetch(f"{server.url}/ca.crl") == junk
        assert count(server) == 2
    assert list(tmp_path.iterdir()) == []


# OCSP


def ask(pki: DevPki, name: str = "a-seal") -> bytes:
    leaf, issuer = (x509.load_der_x509_certificate(pki.certificate(found)) for found in (name, "agencies"))
    request = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, SHA256()).build()
    return request.public_bytes(Encoding.DER)


def post(fetcher: CachingFetcher, url: str, body: bytes) -> bytes:
    return fetcher.post(f"{url}/ocsp/agencies", body, content_type=OCSP_REQUEST, accept=OCSP_RESPONSE)


def respond(pki: DevPki, clock: Clock, *, instead: bytes | None = None) -> Handle:
    live = Services(pki, clock=clock)

    def handle(asked: Asked) -> bytes:
        return live.post(asked.path, asked.headers["Content-Type"], instead or asked.body)[1]

    return handle


def test_an_ocsp_answer_is_kept_by_address_and_request(pki: DevPki, tmp_path: Path) -> None:
    clock = Clock()
    with answering(respond(pki, clock)) as server, Holding(tmp_path, clock, refresh_share=1) as fetcher:
        first = post(fetcher, server.url, ask(pki))
        other = post(fetcher, server.url, ask(pki, "b-seal"))
        assert first != other
        clock.at = NOW + 12 * HOUR - SECOND
        assert post(fetcher, server.url, ask(pki)) == first
        assert count(server) == 2
        clock.at = NOW + 12 * HOUR
        assert post(fetcher, server.url, ask(pki)) != first


def test_an_answer_that_knows_nothing_is_kept_for_a_minute(pki: DevPki, tmp_path: Path) -> None:
    request = ocsp.load_der_ocsp_request(ask(pki))
    stranger = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        request.issuer_name_hash, request.issuer_key_hash, 4711, SHA256()
    )
    body = stranger.build().public_bytes(Encoding.DER)
    clock = Clock()
    with answering(respond(pki, clock)) as server, Holding(tmp_path, clock) as fetcher:
        post(fetcher, server.url, body)
        clock.at = NOW + timedelta(minutes=1)
        post(fetcher, server.url, body)
        assert count(server) == 2


def test_an_answer_to_another_question_is_not_kept(pki: DevPki, tmp_path: Path) -> None:
    clock = Clock()
    with answering(respond(pki, clock, instead=ask(pki, "b-seal"))) as server:
        with Holding(tmp_path, clock) as fetcher:
            post(fetcher, server.url, ask(pki))
        assert list(tmp_path.iterdir()) == []


def test_an_answer_that_proves_nothing_is_soon_asked_for_anew(pki: DevPki, tmp_path: Path) -> None:
    """A forged answer must not outlive its forger in the cache."""
    clock = Clock()
    live = respond(pki, clock)
    forging = [True]

    def handle(asked: Asked) -> bytes | int:
        if asked.method == "GET":
            return 404
        good = live(asked)
        assert isinstance(good, bytes)
        return good[:-1] + bytes([good[-1] ^ 1]) if forging[0] else good

    trust = Trust(roots=(pki.certificate("root"),), intermediates=(pki.certificate("agencies"),))

    def look(fetcher: CachingFetcher) -> ChainStatus:
        leaf = pki.certificate("a-seal")
        return examine(leaf, trust=trust, at=clock.at, crls=[pki.crl("root")], fetcher=fetcher).status

    with answering(handle) as server, HttpFetcher(hosts={"127.0.0.1:8900": server.url}) as http:
        fetcher = CachingFetcher(http, tmp_path, now=clock)
        assert look(fetcher) is ChainStatus.REVOCATION_UNKNOWN
        forging[0] = False
        clock.at = NOW + FAILURE
        assert look(fetcher) is ChainStatus.OK


# Failures


def test_a_failure_is_remembered_for_seconds(pki: DevPki, tmp_path: Path) -> None:
    crl, clock = make_crl(pki), Clock()
    with (
        answering(lambda _: 503 if count(server) == 1 else crl) as server,
        Holding(tmp_path, clock) as fetcher,
    ):
        errors = []
        for _ in range(3):
            with pytest.raises(AnsweredBadly) as caught:
                fetcher.fetch(f"{server.url}/ca.crl")
            errors.append(str(caught.value))
        assert len(set(errors)) == 1
        assert count(server) == 1
        clock.at = NOW + FAILURE
        assert fetcher.fetch(f"{server.url}/ca.crl") == crl


def test_a_dead_server_is_dead_for_every_question(pki: DevPki, tmp_path: Path) -> None:
    class Dead:
        asked = 0

        def fetch(self, url: str) -> bytes:
            raise AssertionError(url)

        def post(self, url: str, body: bytes, *, content_type: str, accept: str) -> bytes:
            Dead.asked += 1
            with HttpFetcher() as http:
                return http.post(url, body, content_type=content_type, accept=accept)

    fetcher = CachingFetcher(Dead(), tmp_path, now=Clock())
    for name in ("a-seal", "b-seal", "a-person1"):
        with pytest.raises(Unavailable, match="does not answer"):
            post(fetcher, "http://127.0.0.1:9", ask(pki, name))
    assert Dead.asked == 1


# The folder


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "flipped": lambda path: path.write_bytes(path.read_bytes()[:-9] + b"\0" + path.read_bytes()[-8:]),
    "empty": lambda path: path.write_bytes(b""),
    "junk": lambda path: path.write_bytes(b"[" * 100_000),
    "number": lambda path: path.write_bytes(b"5\n" + path.read_bytes()),
    "header-only": lambda path: path.write_bytes(path.read_bytes().partition(b"\n")[0]),
    "other-entry": lambda path: path.write_bytes(path.read_bytes().replace(b'"name": "', b'"name": "0')),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_passed_over_and_replaced(pki: DevPki, tmp_path: Path, damage: str) -> None:
    crl, clock = make_crl(pki), Clock()
    with answering(lambda _: crl) as server:
        with Holding(tmp_path, clock) as fetcher:
            fetcher.fetch(f"{server.url}/ca.crl")
        (entry,) = tmp_path.iterdir()
        whole = entry.read_bytes()
        DAMAGES[damage](entry)
        with Holding(tmp_path, clock) as fetcher:
            assert fetcher.fetch(f"{server.url}/ca.crl") == crl
        assert count(server) == 2
    assert entry.read_bytes() == whole


def test_what_ends_first_makes_room(pki: DevPki, tmp_path: Path) -> None:
    clock = Clock()
    crls = {f"/{hours}.crl": make_crl(pki, life=hours * HOUR) for hours in range(1, 9)}
    room = 4 * (len(crls["/1.crl"]) + 500)
    with answering(lambda asked: crls[asked.path]) as server:
        with Holding(tmp_path, clock, max_bytes=room) as fetcher:
            for path in crls:
                fetcher.fetch(server.url + path)
        assert sum(found.stat().st_size for found in tmp_path.iterdir()) <= room
        before = count(server)
        with Holding(tmp_path, clock) as fetcher:
            fetcher.fetch(f"{server.url}/8.crl")
            fetcher.fetch(f"{server.url}/7.crl")
            assert count(server) == before
            fetcher.fetch(f"{server.url}/1.crl")
            assert count(server) == before + 1


def test_a_folder_that_cannot_be_written_is_no_error(pki: DevPki, tmp_path: Path) -> None:
    crl = make_crl(pki)
    (tmp_path / "file").write_text("no folder")
    with answering(lambda _: crl) as server, Holding(tmp_path / "file" / "cache", Clock()) as fetcher:
        assert [fetcher.fetch(f"{server.url}/ca.crl") for _ in range(2)] == [crl, crl]
        assert count(server) == 1


# Processes

SCRIPT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from edoc.trust.cache import CachingFetcher
from edoc.trust.chain import examine
from edoc.trust.fetch import HttpFetcher
from edoc.trust.store import Trust

folder, url, root, leaf, rounds = sys.argv[1:]
with HttpFetcher(hosts={"127.0.0.1:8900": url}) as http:
    for _ in range(int(rounds)):
        fetcher = CachingFetcher(http, Path(folder), now=lambda: datetime.now(UTC), max_bytes=12000)
        if int(rounds) > 1:
            for found in Path(folder).glob("*.answer"):
                found.unlink(missing_ok=True)
        trust = Trust(roots=(Path(root).read_bytes(),))
        facts = examine(Path(leaf).read_bytes(), trust=trust, at=datetime.now(UTC), fetcher=fetcher)
        assert facts.status == "OK", facts
"""


def start(pki: DevPki, folder: Path, url: str, tmp_path: Path, *, rounds: int = 1) -> "subprocess.Popen[str]":
    root, leaf = tmp_path / "root.cer", tmp_path / "leaf.cer"
    root.write_bytes(pki.certificate("root"))
    leaf.write_bytes(pki.certificate("a-seal"))
    arguments = [sys.executable, "-c", SCRIPT, str(folder), url, str(root), str(leaf), str(rounds)]
    return subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)


def finish(process: "subprocess.Popen[str]") -> None:
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def live(pki: DevPki) -> Handle:
    services = Services(pki, clock=lambda: datetime.now(UTC))

    def handle(asked: Asked) -> bytes:
        if asked.method == "GET":
            return services.get(asked.path)[1]
        return services.post(asked.path, asked.headers["Content-Type"], asked.body)[1]

    return handle


def test_what_one_process_fetched_the_next_one_has(pki: DevPki, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with answering(live(pki)) as server:
        finish(start(pki, folder, server.url, tmp_path))
        assert sorted(asked.path for asked in server.requests) == [
            "/ca/agencies.cer",
            "/crl/root.crl",
            "/ocsp/agencies",
        ]
    # The server is gone now.
    finish(start(pki, folder, "http://127.0.0.1:9", tmp_path))


def test_processes_that_ask_at_once_corrupt_nothing(pki: DevPki, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with answering(live(pki)) as server:
        processes = [start(pki, folder, server.url, tmp_path, rounds=15) for _ in range(3)]
        for process in processes:
            finish(process)
    for entry in folder.iterdir():
        assert entry.suffix == ".answer"


def test_a_warm_hit_costs_microseconds(pki: DevPki, tmp_path: Path) -> None:
    crl = make_crl(pki)
    with answering(lambda _: crl) as server, Holding(tmp_path, Clock()) as fetcher:
        url = f"{server.url}/ca.crl"
        fetcher.fetch(url)
        durations = []
        for _ in range(500):
            started = time.perf_counter()
            fetcher.fetch(url)
            durations.append(time.perf_counter() - started)
    assert statistics.median(durations) < 50e-6


def test_with_a_warm_cache_a_path_is_examined_in_half_a_millisecond(pki: DevPki, tmp_path: Path) -> None:
    leaf, now = pki.certificate("a-person1"), datetime.now(UTC)
    with serving(pki) as url, HttpFetcher(hosts={"127.0.0.1:8900": url}) as http:
        fetcher = CachingFetcher(http, tmp_path, now=lambda: datetime.now(UTC))
        for trust in (Trust.load(pki.trust_path), Trust(roots=(pki.certificate("root"),))):
            durations = []
            for second in range(200):
                started = time.perf_counter()
                facts = examine(leaf, trust=trust, at=now + second * SECOND, fetcher=fetcher)
                durations.append(time.perf_counter() - started)
                assert facts.status is ChainStatus.OK
            assert statistics.median(durations) < 0.5e-3

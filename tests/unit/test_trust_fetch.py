"""Fetching CRLs over HTTP, from the live services of a development PKI and from a server that misbehaves."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from edoc.core.chain import ChainStatus
from edoc.devpki.hierarchy import make, revoke
from edoc.devpki.server import serving
from edoc.errors import InputError, Unavailable
from edoc.trust.chain import examine
from edoc.trust.fetch import HttpFetcher
from edoc.trust.store import Trust


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_missing_crls_are_fetched_and_only_with_a_fetcher(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    port = find_port()
    pki = make(tmp_path / "pki", now=now, base_url=f"http://127.0.0.1:{port}")
    trust = replace(Trust.load(pki.trust_path), crls=())
    leaf = pki.certificate("a-person1")
    with HttpFetcher() as fetcher:
        nobody = examine(leaf, trust=trust, at=now, fetcher=fetcher)
        with serving(pki, port=port):
            fetched = examine(leaf, trust=trust, at=now, fetcher=fetcher)
            offline = examine(leaf, trust=trust, at=now)
            revoke(pki, "a-person1", at=now - timedelta(minutes=1), now=now)
            revoked = examine(leaf, trust=trust, at=now, fetcher=fetcher)
    assert nobody.status is ChainStatus.REVOCATION_UNKNOWN
    assert f"http://127.0.0.1:{port}/crl/root.crl: this address does not answer" in nobody.detail
    assert fetched.status is ChainStatus.OK
    assert len(fetched.evidence) == 2
    assert offline.status is ChainStatus.REVOCATION_UNKNOWN
    assert revoked.status is ChainStatus.REVOKED


class Misbehaving(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        match self.path:
            case "/redirect":
                self.send_response(302)
                self.send_header("Location", "/good")
                self.end_headers()
            case "/good":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"good")
            case "/long":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"x" * 5000)
            case "/slow":
                self.send_response(200)
                self.end_headers()
                for _ in range(20):
                    self.wfile.write(b"x" * (1 << 16))
                    time.sleep(0.05)
            case _:
                self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class QuietServer(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these tests are about."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = QuietServer(("127.0.0.1", 0), Misbehaving)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_good_answer_is_given(url: str) -> None:
    with HttpFetcher(max_bytes=4) as fetcher:
        assert fetcher.fetch(f"{url}/good") == b"good"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("redirect", "answers with status 302"),
        ("nothing", "answers with status 404"),
        ("long", "longer than 4000 bytes"),
    ],
)
def test_other_answers_are_dropped(url: str, path: str, message: str) -> None:
    with HttpFetcher(max_bytes=4000) as fetcher, pytest.raises(Unavailable, match=message):
        fetcher.fetch(f"{url}/{path}")


def test_an_answer_that_drips_is_cut_off(url: str) -> None:
    started = time.monotonic()
    with HttpFetcher(timeout_seconds=0.2) as fetcher, pytest.raises(Unavailable, match=r"longer than 0\.2 s"):
        fetcher.fetch(f"{url}/slow")
    assert time.monotonic() - started < 0.9


@pytest.mark.parametrize("url_", ["file:///etc/passwd", "ftp://x/y", "ldap://x/y", "", "//x"])
def test_other_schemes_are_never_followed(url_: str) -> None:
    with HttpFetcher() as fetcher, pytest.raises(InputError, match="only http and https"):
        fetcher.fetch(url_)


@pytest.mark.parametrize("url_", ["http://", "http://[::1", "http://x y/", "http://127.0.0.1:99999/"])
def test_a_broken_address_does_not_answer(url_: str) -> None:
    with HttpFetcher() as fetcher, pytest.raises(Unavailable, match="does not answer"):
        fetcher.fetch(url_)

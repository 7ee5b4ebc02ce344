"""Fixtures of all tests: the shared corpus, a development PKI, a finished demo, and real services.

Each is made once, on first use.
"""

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from acting import Played, Run, edoc
from hubpeers import Member, join
from softhsm import SoftHsm, start

from edoc.demo.hub import HubServer
from edoc.demo.services import PostgresServer, RedisServer, S3Server
from edoc.devpki.hierarchy import DevPki, make

_SHARED = Path(__file__).resolve().parents[1] / "../shared"
_HUB = """
center_code = "H99"
[limits]
package_mib = 300
calls_per_minute = 100000
"""


@pytest.fixture(scope="session")
def shared_corpus() -> Path:
    """The corpus of foreign files beside the project; skips where it is absent, unless CI has mislaid it."""
    corpus = (_SHARED / "corpus").resolve()
    if not corpus.is_dir():
        reason = f"there is no corpus at {corpus}"
        if "CI" in os.environ and _SHARED.exists():
            pytest.fail(f"{reason}, although {_SHARED.resolve()} is there")
        pytest.skip(reason)
    return corpus


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevPki:
    """A development PKI valid from now on: `folder`, `passphrase`, `trust_path`, `key_path("a-person1")`.

    Everybody shares it, so nobody revokes in it; make one of your own for that.
    """
    return make(tmp_path_factory.mktemp("pki") / "certs-dev", now=datetime.now(UTC))


@pytest.fixture(scope="session")
def run() -> Run:
    """The command line, as a user would run it."""
    return edoc


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, pki: DevPki) -> Played:
    """A finished demo to look at."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = edoc("demo", folder, "--pki", pki.folder, "--json")
    assert done.returncode == 0, done.stderr
    return Played(folder=folder, result=json.loads(done.stdout))


@pytest.fixture(scope="session")
def services_folder() -> Iterator[Path]:
    """A folder that other accounts may enter, as pytest's own may not be: PostgreSQL runs as `postgres`."""
    folder = Path(tempfile.mkdtemp(prefix="edoc-services-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def redis_server(services_folder: Path) -> Iterator[RedisServer]:
    """A real Redis; `redis_server.url` has no database number. Who stops it starts it again."""
    with RedisServer(services_folder / "redis") as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server(services_folder: Path) -> Iterator[PostgresServer]:
    """A real PostgreSQL; most tests want `postgres_database`."""
    with PostgresServer(services_folder / "postgres") as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(services_folder: Path) -> Iterator[S3Server]:
    """A real S3 server; most tests want `s3_bucket`."""
    with S3Server(services_folder / "s3") as server:
        yield server


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> str:
    """The URL of an empty database of the test's own."""
    return postgres_server.ensure_database(f"test_{secrets.token_hex(6)}")


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> dict[str, Any]:
    """An empty bucket of the test's own, in the words of `S3Objects`."""
    name = s3_server.ensure_bucket(f"test-{secrets.token_hex(6)}")
    return {**s3_server.connection(), "bucket": name}


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """Real PKCS#11 tokens; every test makes its own by a name of its own."""
    return start(tmp_path_factory.mktemp("softhsm"))


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """A hub in a process of its own; each test registers agencies of its own, as `a` and `b` are."""
    with HubServer(tmp_path_factory.mktemp("hub"), settings=_HUB) as server:
        yield server


@pytest.fixture
def a(hub: HubServer) -> Member:
    """An agency that nobody else knows, registered at the hub."""
    return join(hub)


@pytest.fixture
def b(hub: HubServer) -> Member:
    """Another one."""
    return join(hub)

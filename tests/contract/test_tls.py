"""The three services over TLS: who is trusted is let in, and a stranger in between is noticed."""

import io
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from dramatiq.errors import BrokerConnectionError
from pydantic import SecretStr
from sqlalchemy import text
from tlsmaking import Authority, TlsPostgres, TlsRedis, TlsS3, make_authority

from edoc.errors import Unavailable
from edoc.node import database
from edoc.node.s3 import S3Objects
from edoc.node.settings import Queue
from worker.actors import make_actors
from worker.broker import make_broker


@pytest.fixture(scope="module")
def authority(services_folder: Path) -> Authority:
    return make_authority(services_folder / "authority")


@pytest.fixture(scope="module")
def stranger(services_folder: Path) -> Authority:
    """Another one, which issued no certificate of ours."""
    return make_authority(services_folder / "stranger")


@pytest.fixture(scope="module")
def postgres(services_folder: Path, authority: Authority) -> Iterator[TlsPostgres]:
    with TlsPostgres(services_folder / "tls-postgres", authority) as server:
        yield server


@pytest.fixture(scope="module")
def queue(services_folder: Path, authority: Authority) -> Iterator[TlsRedis]:
    with TlsRedis(services_folder / "tls-redis", authority) as server:
        yield server


@pytest.fixture(scope="module")
def store(services_folder: Path, authority: Authority) -> Iterator[TlsS3]:
    with TlsS3(services_folder / "tls-s3", authority) as server:
        yield server


def log_in(url: str, folder: Path) -> str:
    """The TLS version by which a node would speak to its database."""
    engine = database.connect(url, folder)
    try:
        with database.database_errors(), engine.connect() as connection:
            query = text("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl")
            return str(connection.execute(query).scalar_one())
    finally:
        engine.dispose()


def test_postgresql_is_reached_by_tls_and_its_certificate_checked(
    postgres: TlsPostgres, authority: Authority, tmp_path: Path
) -> None:
    url = f"{postgres.ensure_database('node')}?sslmode=verify-full&sslrootcert={authority.file}"
    assert log_in(url, tmp_path) == "TLSv1.3"


@pytest.mark.parametrize("how", ["no TLS", "a stranger's authority", "another name", "nobody trusted"])
def test_postgresql_is_not_spoken_to_otherwise(
    postgres: TlsPostgres, authority: Authority, stranger: Authority, tmp_path: Path, how: str
) -> None:
    plain = postgres.ensure_database("node")
    checked = f"?sslmode=verify-full&sslrootcert={authority.file}"
    url, reason = {
        "no TLS": (f"{plain}?sslmode=disable", "no encryption"),
        "a stranger's authority": (
            f"{plain}?sslmode=verify-full&sslrootcert={stranger.file}",
            "verify failed",
        ),
        "another name": (f"{plain.replace('127.0.0.1', 'localhost')}{checked}", "does not match host name"),
        "nobody trusted": (f"{plain}?sslmode=verify-full&sslrootcert=system", "verify failed"),
    }[how]
    with pytest.raises(Unavailable, match=reason) as caught:
        log_in(url, tmp_path)
    assert secret_of(plain) not in str(caught.value)


def secret_of(url: str) -> str:
    """The password that stands in a URL."""
    return url.partition("://")[2].partition("@")[0].rpartition(":")[2]


def ring(url: str) -> int:
    """Ring the bell once by the broker that a worker would make; returns how many wait."""
    broker = make_broker(Queue(redis_url=SecretStr(url)))
    name = f"edoc-{secrets.token_hex(4)}"
    try:
        make_actors(broker, lambda _: None, queue=name).send(1)
        return int(broker.client.llen(f"dramatiq:{name}"))  # type: ignore[attr-defined]
    finally:
        broker.close()


def test_redis_is_reached_by_tls_and_its_certificate_checked(queue: TlsRedis, authority: Authority) -> None:
    assert ring(f"{queue.url}/0?ssl_ca_certs={authority.file}") == 1


@pytest.mark.parametrize("how", ["no TLS", "a stranger's authority", "another name", "no password"])
def test_redis_is_not_spoken_to_otherwise(
    queue: TlsRedis, authority: Authority, stranger: Authority, how: str
) -> None:
    checked = f"{queue.url}/0?ssl_ca_certs={authority.file}"
    url, reason = {
        "no TLS": (f"{queue.url.replace('rediss:', 'redis:')}/0", "onnection"),
        "a stranger's authority": (
            f"{queue.url}/0?ssl_ca_certs={stranger.file}",
            "CERTIFICATE_VERIFY_FAILED",
        ),
        "another name": (checked.replace("127.0.0.1", "localhost"), "Hostname mismatch"),
        "no password": (checked.replace(f":{secret_of(queue.url)}@", ""), "already authenticated"),
    }[how]
    with pytest.raises((BrokerConnectionError, redis.RedisError), match=reason) as caught:
        ring(url)
    assert secret_of(queue.url) not in str(caught.value)


def put(store: dict[str, Any]) -> str:
    objects = S3Objects(**store)
    objects.create_bucket()
    stored = objects.put(io.BytesIO(b"content"))
    with objects.open(stored.sha256) as source:
        return source.read().decode()


def test_s3_is_reached_by_tls_through_the_machines_authorities(
    store: TlsS3, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert put({**store.connection(), "bucket": "edoc"}) == "content"


@pytest.mark.parametrize("how", ["no TLS", "a stranger's authority", "another name"])
def test_s3_is_not_spoken_to_otherwise(
    store: TlsS3, authority: Authority, stranger: Authority, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    trusted = stranger if how == "a stranger's authority" else authority
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.file))
    words = {"bucket": "edoc", **store.connection(), "secure": how != "no TLS"}
    if how == "another name":
        words["endpoint"] = words["endpoint"].replace("127.0.0.1", "localhost")
    with pytest.raises(Unavailable, match="HTTP status 400" if how == "no TLS" else "SSLError") as caught:
        put(words)
    assert words["secret_key"] not in str(caught.value)

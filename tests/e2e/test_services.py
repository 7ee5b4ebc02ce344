"""The real services start, restart, stop, and leave no process behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
import redis
from minio import Minio
from minio.error import MinioException
from redis.backoff import NoBackoff
from redis.retry import Retry

from edoc.demo import server
from edoc.demo.server import Server, find
from edoc.demo.services import PostgresServer, RedisServer, S3Server, _require_traversable
from edoc.errors import SettingsError, Unavailable
from edoc.node.s3 import S3Objects

ALL: list[type[RedisServer | PostgresServer | S3Server]] = [RedisServer, PostgresServer, S3Server]


@pytest.fixture
def folder(services_folder: Path, request: pytest.FixtureRequest) -> Path:
    return services_folder / "".join(c if c.isalnum() else "-" for c in request.node.name)


@pytest.fixture(scope="module", params=ALL, ids=lambda kind: kind.name)
def shared(request: pytest.FixtureRequest, services_folder: Path) -> Iterator[Server]:
    with request.param(services_folder / f"restarted-{request.param.__name__}") as running:
        yield running


@pytest.fixture
def service(shared: Server) -> Server:
    """A service that runs; tests may stop it."""
    shared.start()
    return shared


def remember(service: Server) -> None:
    """Store something in a service, whichever it is."""
    match service:
        case RedisServer():
            with redis.Redis.from_url(service.url) as client:
                client.set("key", "value")
        case PostgresServer():
            with psycopg.connect(service.ensure_database("data")) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        case S3Server():
            service.ensure_bucket("kept")


def recall(service: Server) -> bool:
    """Tell whether it is still there."""
    match service:
        case RedisServer():
            with redis.Redis.from_url(service.url) as client:
                return bool(client.get("key") == b"value")
        case PostgresServer():
            with psycopg.connect(service.url("data")) as connection:
                return connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        case S3Server():
            client = Minio(**service.connection())
            return [bucket.name for bucket in client.list_buckets()] == ["kept"]
    return False


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds: Callable[[], bool], *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def processes() -> dict[int, bytes]:
    """All processes that run, with their command lines."""
    running = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                running[int(folder.name)] = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return running


def belonging_to(folder: Path) -> list[int]:
    return [pid for pid, command in processes().items() if str(folder).encode() in command]


@pytest.mark.parametrize("end", [Server.stop, Server.kill], ids=["stopped", "killed"])
def test_a_service_comes_back_on_its_port_with_its_data(
    service: Server, end: Callable[[Server], None]
) -> None:
    remember(service)
    port = service.port
    end(service)
    assert not service.is_running
    assert not is_listening(port)
    service.start()
    assert service.port == port
    assert recall(service)


def test_a_later_process_finds_the_data_again(folder: Path) -> None:
    for kind in ALL:
        with kind(folder / kind.__name__) as first:
            remember(first)
        with kind(folder / kind.__name__) as second:
            assert recall(second)


def test_stopping_leaves_no_process_and_no_listener(service: Server) -> None:
    assert belonging_to(service.folder) or service.pid in processes()
    service.stop()
    assert not is_listening(service.port)
    assert service.pid not in processes()
    assert belonging_to(service.folder) == []
    service.stop()


def test_starting_what_runs_changes_nothing(service: Server) -> None:
    pid = service.pid
    service.start()
    assert service.pid == pid


def test_only_this_machine_is_served(service: Server) -> None:
    listening = "0A"
    table = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    table += [line.split() for line in Path("/proc/net/tcp6").read_text(encoding="ascii").splitlines()[1:]]
    port = f"{service.port:04X}"
    assert [row[1] for row in table if row[3] == listening and row[1].endswith(f":{port}")] == [
        f"0100007F:{port}"
    ]


def test_redis_refuses_strangers(folder: Path) -> None:
    with (
        RedisServer(folder) as service,
        redis.Redis(port=service.port, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


@pytest.mark.parametrize("password", ["", "wrong"])
def test_postgresql_refuses_strangers(folder: Path, password: str) -> None:
    with (
        PostgresServer(folder) as service,
        pytest.raises(psycopg.OperationalError, match="password"),
    ):
        psycopg.connect(
            host="127.0.0.1", port=service.port, dbname="postgres", user="edoc", password=password
        )


@pytest.mark.parametrize("secret", [None, "wrong-wrong"])
def test_the_s3_server_refuses_strangers(folder: Path, secret: str | None) -> None:
    with S3Server(folder) as service:
        facts = {**service.connection(), "secret_key": secret}
        if secret is None:
            del facts["access_key"]
        with pytest.raises(MinioException, match=r"SignatureDoesNotMatch|UnsupportedAlgorithm"):
            Minio(**facts).list_buckets()


def test_no_password_stands_on_a_command_line(folder: Path) -> None:
    with (
        RedisServer(folder / "redis") as queue,
        PostgresServer(folder / "postgres") as database,
        S3Server(folder / "s3") as objects,
    ):
        secrets = [
            queue.url.partition(":")[2].partition("@")[0].rpartition(":")[2],
            database.url("x").partition("edoc:")[2].partition("@")[0],
            objects.connection()["secret_key"],
        ]
        commands = b"\n".join(processes().values())
        assert f"{queue.port}".encode() in commands
        for secret in secrets:
            assert len(secret) >= 20
            assert secret.encode() not in commands


def test_services_end_when_their_parent_is_killed(folder: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from edoc.demo.services import PostgresServer, RedisServer, S3Server
folder = Path(sys.argv[1])
services = [kind(folder / kind.__name__) for kind in (RedisServer, PostgresServer, S3Server)]
for service in services:
    service.start()
print(*(service.pid for service in services), flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = {int(pid) for pid in parent.stdout.readline().split()}
        assert len(pids & processes().keys()) == 3
        parent.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not pids & processes().keys())
    assert wait_until(lambda: not belonging_to(folder))


def test_a_port_that_somebody_takes_first_is_left_to_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        for kind in ALL:
            ports = iter([taken, server.free_port()])
            with monkeypatch.context() as patch:
                patch.setattr(server, "free_port", partial(next, ports))
                patch.setattr(server, "is_free", lambda _: True)  # as it was a moment ago
                with kind(folder / kind.__name__) as service:
                    assert service.port != taken
                    service.ping()


def test_a_service_whose_own_port_was_taken_meanwhile_says_so(service: Server) -> None:
    service.stop()
    with (
        socket.create_server(("127.0.0.1", service.port)),
        pytest.raises(Unavailable, match=rf"{service.name} does not start: port .* is already in use"),
    ):
        service.start()
    assert not service.is_running
    service.start()


def test_a_free_port_lies_below_those_that_clients_are_given() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    assert all(1024 < server.free_port() < max(lowest, 20_000) for _ in range(50))


def test_a_missing_program_is_named_with_its_debian_package(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(SettingsError, match=r"redis-server is missing.*Debian package redis-server"):
        RedisServer(folder).command()
    with pytest.raises(SettingsError, match=r"no-such-server is missing.*Debian package postgresql"):
        find("no-such-server", package="postgresql")


def test_the_newest_postgresql_is_taken_and_all_its_programs_come_from_one_version() -> None:
    found = {Path(find(name, package="postgresql")).resolve().parent for name in ("initdb", "postgres")}
    assert len(found) == 1


def test_a_folder_that_postgresql_may_not_enter_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    stranger = os.getuid() + 1
    for parent in closed.parents:
        if parent.stat().st_mode & 0o001 == 0:
            closed = parent  # pytest's own folder is closed already
    with pytest.raises(SettingsError, match=f"{closed}: .*may not enter.*chmod o\\+x {closed}"):
        _require_traversable(tmp_path / "closed" / "data", stranger, stranger)


def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    (folder / "half-made").mkdir(parents=True)
    (folder / "half-made" / "PG_VERSION").write_text("15", encoding="ascii")
    with PostgresServer(folder) as service:
        assert not (folder / "half-made").exists()
        remember(service)
        assert recall(service)


def test_a_cluster_that_cannot_start_says_why(folder: Path) -> None:
    with PostgresServer(folder) as service:
        pass
    (folder / "data" / "PG_VERSION").write_text("9.0", encoding="ascii")
    with pytest.raises(Unavailable, match=r"PostgreSQL does not start.*version 9\.0"):
        service.start()


def test_ensuring_twice_gives_the_same(folder: Path) -> None:
    with PostgresServer(folder / "postgres") as database, S3Server(folder / "s3") as objects:
        assert database.ensure_database("node_a") == database.ensure_database("node_a")
        assert objects.ensure_bucket("node-a") == objects.ensure_bucket("node-a") == "node-a"
        assert list(S3Objects(bucket="node-a", **objects.connection()).hashes()) == []

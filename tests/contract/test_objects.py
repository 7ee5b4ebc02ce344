"""What an object store promises, on a directory and on a real S3 server."""

import hashlib
import io
import os
import random
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from killing import in_a_child, kill_within, on_a_small_disk

from edoc.core.ports import Objects
from edoc.demo.services import S3Server
from edoc.errors import InputError, SettingsError, Unavailable
from edoc.node.durable import STAGED_PREFIX
from edoc.node.objects import DamagedObjectError, DirectoryObjects, open_verified
from edoc.node.s3 import S3Objects

ABSENT = hashlib.sha256(b"never stored").hexdigest()


@dataclass
class Store:
    """A store, how another process opens it, and where its objects stand as files."""

    reopen: Callable[[], Objects]
    files: Path

    def path(self, sha256: str) -> Path:
        return self.files / sha256[:2] / sha256


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "directory":
        return Store(reopen=lambda: DirectoryObjects(tmp_path / "objects"), files=tmp_path / "objects")
    bucket = request.getfixturevalue("s3_bucket")
    server: S3Server = request.getfixturevalue("s3_server")
    return Store(reopen=lambda: S3Objects(**bucket), files=server.data / bucket["bucket"] / "objects")


@pytest.fixture
def objects(store: Store) -> Objects:
    return store.reopen()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 100_000, (1 << 20) + 1, 21_000_000], ids=lambda size: f"{size} bytes")
def test_what_is_put_is_there_under_its_hash(objects: Objects, size: int) -> None:
    content = random.Random(size).randbytes(size)
    stored = objects.put(io.BytesIO(content))
    assert (stored.sha256, stored.size) == (sha256(content), size)
    assert objects.holds(stored.sha256)
    with objects.open(stored.sha256) as file:
        assert file.read() == content
    with open_verified(objects, stored.sha256) as checked:
        assert checked.read() == content


def test_putting_again_changes_nothing(objects: Objects, store: Store) -> None:
    first = objects.put(io.BytesIO(b"content"))
    before = store.path(first.sha256).stat()
    assert objects.put(io.BytesIO(b"content")) == first
    after = store.path(first.sha256).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert list(objects.hashes()) == [first.sha256]


def test_all_hashes_are_listed_and_nothing_else(objects: Objects, store: Store) -> None:
    assert list(objects.hashes()) == []
    stored = {objects.put(io.BytesIO(f"content {index}".encode())).sha256 for index in range(40)}
    (store.files / "ab").mkdir(exist_ok=True)
    (store.files / "ab" / "notes.txt").write_text("somebody's notes", encoding="utf-8")
    assert sorted(objects.hashes()) == sorted(stored)


def test_what_was_never_put_is_not_there(objects: Objects) -> None:
    assert not objects.holds(ABSENT)
    with pytest.raises(Unavailable, match=f"the object {ABSENT} is not there"), objects.open(ABSENT):
        pass


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", ABSENT.upper(), ABSENT + "\n", ABSENT[:-1], "/" * 64, "\u0661" * 64]
)
def test_nothing_but_a_hash_becomes_a_name(objects: Objects, name: str) -> None:
    with pytest.raises(InputError, match="no SHA-256"):
        objects.holds(name)
    with pytest.raises(InputError, match="no SHA-256"), objects.open(name):
        pass


@pytest.fixture
def damaged(objects: Objects, store: Store) -> tuple[str, bytes]:
    content = random.Random(1).randbytes(2_500_000)
    stored = objects.put(io.BytesIO(content))
    path = store.path(stored.sha256)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(bytes([content[-1] ^ 1]))
    return stored.sha256, content


def test_one_flipped_bit_raises_at_the_end_of_reading(objects: Objects, damaged: tuple[str, bytes]) -> None:
    name, content = damaged
    copy = io.BytesIO()
    with pytest.raises(DamagedObjectError, match=name), open_verified(objects, name) as file:
        shutil.copyfileobj(file, copy)
    assert len(copy.getvalue()) <= len(content)


def test_a_reader_that_stops_early_still_learns_of_the_damage(
    objects: Objects, damaged: tuple[str, bytes]
) -> None:
    with pytest.raises(DamagedObjectError), open_verified(objects, damaged[0]) as file:
        assert file.read(10) == damaged[1][:10]


def test_damage_is_never_papered_over_by_putting_again(
    objects: Objects, store: Store, damaged: tuple[str, bytes]
) -> None:
    name, content = damaged
    with pytest.raises(DamagedObjectError):
        objects.put(io.BytesIO(content))
    assert sha256(store.path(name).read_bytes()) != name


def test_a_source_that_fails_half_way_leaves_nothing(objects: Objects) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 2 << 20:
                raise EOFError("the scanner was unplugged")
            return super().read(size)

    with pytest.raises(EOFError):
        objects.put(Failing(bytes(8 << 20)))
    assert list(objects.hashes()) == []


def test_a_writer_killed_at_any_moment_leaves_nothing_half_stored(store: Store) -> None:
    seed = random.Random()

    def put() -> None:
        store.reopen().put(io.BytesIO(seed.randbytes(seed.randrange(6 << 20))))

    store.reopen().put(io.BytesIO(b"one that is there"))
    assert all(kill_within(0.3, put) for _ in range(12))
    objects = store.reopen()
    stored = list(objects.hashes())
    assert len(stored) > 1, "not one child came to its end: nothing was tested"
    for name in stored:
        with open_verified(objects, name) as file:
            while file.read(1 << 20):
                pass


def test_the_disk_runs_full_and_nothing_is_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = store.files if store.files.is_dir() else store.files.parent
    spool = disk / "spool"

    def put() -> None:
        spool.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(spool))  # where an upload waits
        objects = store.reopen()
        with pytest.raises(Unavailable, match="the disk is full; nothing was left half done") as caught:
            objects.put(io.BytesIO(bytes(8 << 20)))
        assert caught.value.retryable
        assert [path for path in disk.rglob("*") if path.is_file()] == []
        assert objects.put(io.BytesIO(b"something small")).size == 15

    assert on_a_small_disk(disk, 5 << 20, put) == 0


class TestDirectory:
    def test_eight_writers_of_one_content_all_succeed_and_one_file_stands(self, tmp_path: Path) -> None:
        content = random.Random(8).randbytes(3_000_000)
        with ThreadPoolExecutor(8) as pool:
            puts = [pool.submit(DirectoryObjects(tmp_path).put, io.BytesIO(content)) for _ in range(8)]
        assert {put.result().sha256 for put in puts} == {sha256(content)}
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [sha256(content)]

    def test_objects_are_read_only_and_nothing_else_lies_about(self, tmp_path: Path) -> None:
        name = DirectoryObjects(tmp_path).put(io.BytesIO(b"content")).sha256
        (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
        assert file == tmp_path / name[:2] / name
        assert file.stat().st_mode & 0o777 == 0o444

    def test_a_later_start_sweeps_what_a_killed_writer_left_but_not_what_is_being_written(
        self, tmp_path: Path
    ) -> None:
        objects = DirectoryObjects(tmp_path)
        objects.put(io.BytesIO(b"content"))
        killed, living = tmp_path / "tmp" / f"{STAGED_PREFIX}1", tmp_path / "tmp" / f"{STAGED_PREFIX}2"
        for path in (killed, living):
            path.write_bytes(b"half")
        a_week_ago = living.stat().st_mtime - 7 * 86_400
        os.utime(killed, (a_week_ago, a_week_ago))
        assert len(list(DirectoryObjects(tmp_path).hashes())) == 1
        assert not killed.exists()
        assert living.exists()

    def test_a_folder_that_cannot_be_one_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "objects").write_text("a file")
        with pytest.raises(Unavailable, match="the disk cannot be used"):
            DirectoryObjects(tmp_path / "objects").put(io.BytesIO(b"content"))


SECRET = "a-secret-that-nobody-may-see"


class TestS3:
    def test_a_wrong_secret_is_told_without_telling_it(self, s3_bucket: dict[str, Any]) -> None:
        objects = S3Objects(**{**s3_bucket, "secret_key": SECRET})
        with pytest.raises(Unavailable, match=r"SignatureDoesNotMatch.*objects\.secret_key") as caught:
            objects.put(io.BytesIO(b"content"))
        assert SECRET not in f"{caught.value} {caught.value!r} {objects!r}"

    def test_a_missing_bucket_is_named_and_made_on_request_only(self, s3_server: S3Server) -> None:
        objects = S3Objects(**s3_server.connection(), bucket="not-there-yet")
        with pytest.raises(Unavailable, match=r"not-there-yet.*NoSuchBucket.*[Cc]reate the bucket"):
            objects.put(io.BytesIO(b"content"))
        with pytest.raises(Unavailable, match="NoSuchBucket"):
            objects.holds(ABSENT)
        objects.create_bucket()
        objects.create_bucket()
        assert objects.holds(objects.put(io.BytesIO(b"content")).sha256)

    def test_a_server_that_is_away_is_unavailable_and_works_again_afterwards(
        self, services_folder: Path
    ) -> None:
        with S3Server(services_folder / "s3-away") as server:
            objects = S3Objects(**server.connection(), bucket=server.ensure_bucket("bucket"))
            first = objects.put(io.BytesIO(b"content"))
            server.kill()
            for act in (
                lambda: objects.put(io.BytesIO(b"more")),
                lambda: objects.holds(first.sha256),
                lambda: list(objects.hashes()),
            ):
                with pytest.raises(Unavailable, match="running and reachable"):
                    act()
            server.start()
            assert objects.holds(first.sha256)

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 9\r\n\r\n<notclose",
        ],
        ids=["silence", "503", "nonsense"],
    )
    def test_whatever_a_sick_server_does_the_call_ends_soon(self, answer: bytes) -> None:
        with answering(answer) as endpoint:
            objects = S3Objects(
                endpoint=endpoint,
                bucket="bucket",
                access_key="access",
                secret_key=SECRET,
                secure=False,
                connect_seconds=0.2,
                read_seconds=0.2,
            )
            with pytest.raises(Unavailable, match="the S3 server cannot be used now") as caught:
                objects.put(io.BytesIO(b"content"))
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize(
        "wrong",
        [{"endpoint": "http://host/path"}, {"bucket": "A"}, {"access_key": ""}, {"secret_key": ""}],
        ids=lambda wrong: next(iter(wrong)),
    )
    def test_settings_that_cannot_be_right_are_refused_at_once(self, wrong: dict[str, Any]) -> None:
        keys = {"access_key": "access", "secret_key": SECRET}
        right: dict[str, Any] = {"endpoint": "host:9000", "bucket": "bucket", **keys}
        with pytest.raises(SettingsError) as caught:
            S3Objects(**{**right, **wrong})
        assert SECRET not in str(caught.value)

    def test_memory_stays_small_for_large_objects(self, s3_bucket: dict[str, Any]) -> None:
        class Zeros(io.RawIOBase):
            left = 150 << 20

            def read(self, size: int = -1, /) -> bytes:
                size = min(size, self.left)
                self.left -= size
                return bytes(size)

        def put() -> None:
            before = peak_memory()
            objects = S3Objects(**s3_bucket)
            stored = objects.put(Zeros())  # type: ignore[arg-type]
            with open_verified(objects, stored.sha256):
                pass
            assert peak_memory() - before < 48 << 20

        assert in_a_child(put) == 0


def peak_memory() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that gives the same answer to everything; none at all if it is empty."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        stopping = threading.Event()

        def serve() -> None:
            kept = []
            while not stopping.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                kept.append(connection)
                if answer:
                    connection.settimeout(1)
                    connection.recv(65_536)
                    connection.sendall(answer)
                    connection.close()
            for connection in kept:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopping.set()
            thread.join()


def test_a_promise_is_kept_as_it_was_given_first(objects: Objects, store: Store) -> None:
    assert objects.promise("numbers/VB-DI/2026/00000001", "document a") == "document a"
    assert objects.promise("numbers/VB-DI/2026/00000001", "document b") == "document a"
    assert store.reopen().promise("numbers/VB-DI/2026/00000001", "document c") == "document a"


def test_promises_are_listed_in_order_and_are_no_objects(objects: Objects) -> None:
    for name in ("numbers/b/2", "numbers/b/10", "numbers/a/1", "other"):
        objects.promise(name, "x")
    assert list(objects.promises("numbers/")) == ["numbers/a/1", "numbers/b/10", "numbers/b/2"]
    assert list(objects.promises("nothing/")) == []
    assert list(objects.hashes()) == []


def test_promises_are_read_and_listed_from_a_name_on(objects: Objects) -> None:
    names = [
        f"numbers/{book}/2026/{shelf:06d}/{place:03d}"
        for book in "ab"
        for shelf in (0, 1)
        for place in (0, 7)
    ]
    for name in reversed(names):
        objects.promise(name, f"số {name}")
    assert objects.promised(names[3]) == f"số {names[3]}"
    assert objects.promised("numbers/a/2026/000000/008") is None
    assert list(objects.promises("numbers/a/", after=names[1])) == names[2:4]
    assert list(objects.promises("numbers/a/", after="numbers/a/2026/000000/001")) == names[1:4]
    assert list(objects.promises("numbers/a/", after=names[3])) == []
    assert list(objects.promises("numbers/", after=names[3])) == names[4:]


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/.hidden", "số", "a b", "a/"]
)
def test_no_promise_leads_elsewhere(objects: Objects, name: str) -> None:
    with pytest.raises(InputError):
        objects.promise(name, "x")

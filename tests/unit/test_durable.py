"""Files that are whole and durable, or not there."""

import errno
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from edoc.errors import SettingsError, Unavailable
from edoc.node.durable import STAGED_PREFIX, disk_errors, make_folder, stage, sweep, write_file


def test_a_staged_file_appears_only_when_it_is_published(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with stage(tmp_path / "tmp") as staged:
        staged.file.write(b"content")
        assert not target.exists()
        assert staged.publish(target)
        assert target.read_bytes() == b"content"
    assert target.stat().st_mode & 0o777 == 0o444
    assert list((tmp_path / "tmp").iterdir()) == []


def test_publishing_never_overwrites(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"first")
    with stage(tmp_path) as staged:
        staged.file.write(b"second")
        assert not staged.publish(target)
    assert target.read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def fail_half_way() -> None:
        with stage(tmp_path) as staged:
            staged.file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_hard_links_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")  # what FAT answers

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with pytest.raises(SettingsError, match="hard links"), stage(tmp_path) as staged:
        staged.publish(tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_write_file_replaces_in_one_step_and_sets_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "settings"
    write_file(target, b"old", mode=0o600)
    write_file(target, b"new", mode=0o640)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(target.parent.iterdir()) == [target]


def test_a_full_disk_keeps_the_old_file_and_says_so(tmp_path: Path) -> None:
    target = tmp_path / "settings"
    write_file(target, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(Unavailable, match=r"the disk is full; nothing was left half done\.") as caught:
            write_file(target, bytes(1001))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.where == str(target)
    assert caught.value.retryable
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_every_kind_of_full_disk_is_one(number: int) -> None:
    with pytest.raises(Unavailable, match="the disk is full"), disk_errors(Path("/data")):
        raise OSError(number, os.strerror(number))


def test_other_trouble_with_a_disk_is_unavailable_too(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be used: not a directory"), disk_errors(tmp_path):
        (tmp_path / "file" / "below").open("rb")


def test_sweeping_removes_only_what_is_stale_and_staged(tmp_path: Path) -> None:
    stale, fresh, other = (tmp_path / name for name in (f"{STAGED_PREFIX}a", f"{STAGED_PREFIX}b", "c"))
    for path in (stale, fresh, other):
        path.touch()
    for path in (stale, other):
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    assert sweep(tmp_path, older_than=60) == 1
    assert sorted(tmp_path.iterdir()) == sorted([fresh, other])
    assert sweep(tmp_path / "missing", older_than=60) == 0


def test_make_folder_makes_what_is_missing(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()

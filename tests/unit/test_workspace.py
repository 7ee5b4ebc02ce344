"""Folders for work in progress."""

import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from edoc.node.workspace import Workspace


@pytest.fixture(autouse=True)
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_folder_is_used_again_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    with closing(Workspace(memory=tmp_path)) as workspace:
        with workspace.scratch() as first:
            (first / "file").write_bytes(b"secret")
            (first / "folder").mkdir()
            (first / "folder" / "file").write_bytes(b"secret")
            (first / "link").symlink_to(tmp_path)
        with workspace.scratch() as second:
            assert second == first
            assert list(second.iterdir()) == []
    assert not first.exists()
    assert tmp_path.exists()


def test_two_steps_at_once_have_two_folders(tmp_path: Path) -> None:
    with (
        closing(Workspace(memory=tmp_path)) as workspace,
        workspace.scratch() as one,
        workspace.scratch() as other,
    ):
        assert one != other
        assert one.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("size", "in_memory"), [(1000, True), (None, False), (100 << 20, False)])
def test_only_what_is_known_to_be_small_is_worked_on_in_memory(
    tmp_path: Path, disk: Path, size: int | None, *, in_memory: bool
) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    with closing(Workspace(memory=memory)) as workspace, workspace.scratch(size) as folder:
        assert folder.parent == (memory if in_memory else disk)


def test_without_a_file_system_in_memory_everything_is_on_the_disk(tmp_path: Path, disk: Path) -> None:
    with closing(Workspace(memory=tmp_path / "none")) as workspace, workspace.scratch(1) as folder:
        assert folder.parent == disk


def test_what_a_killed_process_left_is_removed_and_nobody_elses(tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    script = (
        "import sys, time; from pathlib import Path; from edoc.node.workspace import Workspace\n"
        "with Workspace(memory=Path(sys.argv[1])).scratch(1) as folder:\n"
        "    (folder / 'secret').write_bytes(b'x'); print(folder, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(memory)]
    with closing(Workspace(memory=memory)) as workspace, workspace.scratch(1) as mine:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            left = Path(other.stdout.readline().strip())
            with workspace.scratch(1):
                assert (left / "secret").exists(), "it is being worked in"
            other.kill()
        with closing(Workspace(memory=memory)) as next_one, next_one.scratch(1):
            assert not left.exists()
            assert mine.exists()

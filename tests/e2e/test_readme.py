"""What the README says a new user may type, typed."""

import re
import shutil
from pathlib import Path

import pytest

from edoc.devpki.hierarchy import DevPki

PROJECT = Path(__file__).resolve().parents[2]


def test_the_library_sample_runs_as_it_stands(
    tmp_path: Path, pki: DevPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    shutil.copytree(pki.folder, tmp_path / "certs-dev")
    shutil.copytree(PROJECT / "samples", tmp_path / "samples")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(sample, names)  # noqa: S102 - our own README
    assert (tmp_path / "signed.pdf").exists()
    assert names["report"].exit_code == 0  # type: ignore[attr-defined]

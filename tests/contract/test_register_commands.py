"""What a clerk does with the registers at the command line."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from acting import Run
from registering import (
    KINDS,
    PAPER,
    read,
    registering_node,
)

from edoc.core.zone import VIETNAM
from edoc.devpki.hierarchy import DevPki
from edoc.node.node import Node


@pytest.fixture(params=KINDS)
def node(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    with registering_node(request, tmp_path, pki, request.param) as opened:
        yield opened


@pytest.mark.parametrize("node", ["sqlite"], indirect=True)
def test_a_clerk_does_all_of_it_at_the_command_line(node: Node, run: Run, tmp_path: Path) -> None:
    def edoc(*words: str | Path) -> Any:
        done = run(*words, "--node", node.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    wanted = ("outgoing", "--count", "2", "--for", "Văn bản giấy", "--notation", "UBND-VP", "--json")
    first, second = json.loads(edoc("register", "reserve", *wanted))
    today = datetime.now(VIETNAM).date()
    paper = {**PAPER, "promulgation_info": {"promulgation_date": today.isoformat()}}
    (tmp_path / "paper.json").write_text(json.dumps({**paper, "register": {"keeper": "Phòng Tư pháp"}}))
    edoc("register", "describe", first, tmp_path / "paper.json")
    edoc("register", "void", second, "--reason", "In hỏng")
    told = json.loads(edoc("register", "show", first, "--json"))
    assert (told["fields"]["Subject"], told["clerk"]) == (PAPER["subject"], {"keeper": "Phòng Tư pháp"})
    assert "Về việc khen thưởng" in edoc("register", "show", first)
    rows = json.loads(edoc("register", "list", "outgoing", "--json"))
    assert [(row["entry"], row["void_reason"]) for row in rows] == [(first, None), (second, "In hỏng")]
    found = json.loads(edoc("find", "khen thuong", "--direction", "outgoing", "--json"))
    assert ([each["entry"] for each in found["found"]], found["after"]) == ([first], None)
    assert first in edoc("find", "khen thưởng", "--year", str(today.year))
    edoc("register", "export", "outgoing", "--csv", tmp_path / "so.csv")
    assert read(tmp_path / "so.csv")[0]["Đơn vị, người nhận bản lưu"] == "Phòng Tư pháp"


@pytest.mark.parametrize(
    ("words", "code", "saying"),
    [
        (("register", "list", "sideways"), 2, "'outgoing' or 'incoming'"),
        (("register", "export", "outgoing"), 2, "nothing to write"),
        (("register", "reserve", "outgoing", "--for", "x", "--until", "mai"), 2, "is not a day"),
        (("register", "void", "VB-DI/2026/1", "--reason", "x"), 1, "there is no such entry"),
        (("register", "show", "17"), 1, "SERIES/YEAR/NUMBER"),
        (("find", "--", "-"), 1, "one to 20 words"),
        (("find", "x", "--after", "y"), 2, "what the page before said"),
        (("list", "--direction", "sideways"), 2, "'outgoing' or 'incoming'"),
    ],
)
@pytest.mark.parametrize("node", ["sqlite"], indirect=True)
def test_what_cannot_be_done_is_said_in_one_sentence(
    node: Node, run: Run, words: tuple[str, ...], code: int, saying: str
) -> None:
    done = (
        run(words[0], "--node", node.folder, *words[1:])
        if words[0] != "register"
        else run(*words[:2], "--node", node.folder, *words[2:])
    )
    assert done.returncode == code, done.stderr
    assert saying in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr

"""`kill -9` of the demo, of one of its workers or of its hub at random moments, then running it again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from edoc.core.lifecycle import State
from edoc.devpki.hierarchy import DevPki
from edoc.node import archive, clerk, journal
from edoc.node import tables as t
from edoc.node.node import Node

KILLS = {"mailbox": 10, "axis": 3}


ALLOWED_TWICE = {"received-again", "answer-01"}
"""A package that was not acknowledged before the kill comes again, and is answered again."""


def start(folder: Path, pki: Path, transport: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "edoc.cli.main", "demo", str(folder), "--pki", str(pki), "--json"]
    return subprocess.Popen(
        [*command, "--transport", transport], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def servants_of(process: int) -> list[int]:
    """Its workers, and its hub where there is one."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    lines = {int(child): Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0") for child in children}
    return [child for child, words in lines.items() if {b"worker", b"hub"} & set(words)]


def kill_somebody(demo: "subprocess.Popen[bytes]", dice: random.Random) -> str:
    """Kill the demo or one of its servants; says which."""
    victim = dice.choice([demo.pid, *servants_of(demo.pid)])
    os.kill(victim, signal.SIGKILL)
    return "demo" if victim == demo.pid else "servant"


def finish(demo: "subprocess.Popen[bytes]") -> dict[str, Any]:
    out, err = demo.communicate(timeout=120)
    assert demo.returncode == 0, err.decode()
    result: dict[str, Any] = json.loads(out)
    return result


@pytest.mark.parametrize("transport", KILLS)
def test_the_dispatch_arrives_once_and_numbers_have_no_gap_and_no_repeat(
    tmp_path: Path, pki: DevPki, transport: str
) -> None:
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    began = time.monotonic()
    check(finish(start(tmp_path / "undisturbed", pki.folder, transport)))
    usual = time.monotonic() - began

    killed: Counter[str] = Counter()
    folder = tmp_path / "journey-0"
    demo = start(folder, pki.folder, transport)
    while killed.total() < KILLS[transport]:
        try:
            demo.wait(dice.uniform(0.2, usual))
        except subprocess.TimeoutExpired:
            killed[kill_somebody(demo, dice)] += 1
            continue
        if demo.returncode != -signal.SIGKILL:  # it came to its end: the next kills hit another journey
            check(finish(demo))
            folder = tmp_path / f"journey-{killed.total()}"
        else:
            demo.communicate()
        demo = start(folder, pki.folder, transport)
    demo.wait()
    if demo.returncode == -signal.SIGKILL:
        demo.communicate()
        demo = start(folder, pki.folder, transport)
    result = finish(demo)
    assert killed.total() == KILLS[transport], f"seed {seed}"
    check(result)


def check(result: dict[str, Any]) -> None:
    """One document at each side, one number in each book, every chain and archive whole."""
    for side, direction in (("a", "outgoing"), ("b", "incoming")):
        with Node.open(result["nodes"][side]) as node:
            (document,) = clerk.documents(node)
            assert (document.direction, document.state) == (direction, State.ARCHIVED)
            assert document.document_id == result["document_id"]
            assert archive.audit(node, document.id) == []
            with node.journal.reading() as connection:
                assert journal.verify_chain(connection) == []
                assert connection.execute(select(t.register_entries.c.number)).scalars().all() == [1]
                assert connection.execute(select(t.books.c.last_number)).scalars().all() == [1]
                events = Counter(connection.execute(select(t.audit.c.event)).scalars())
            assert {event for event, count in events.items() if count > 1} <= ALLOWED_TWICE

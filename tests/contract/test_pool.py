"""The processes that do a worker's steps: what they do, and what becomes of one that dies or hangs."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from alone import make_alone
from sqlalchemy import text

from edoc.core.lifecycle import State, Work
from edoc.demo.play import SAMPLE_PDF, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.errors import SettingsError
from edoc.keys.loading import load_key
from edoc.node import clerk, tasks
from edoc.node.node import Node
from edoc.node.settings import FILE_NAME
from edoc.signing import prepare, sign
from worker.__main__ import Roles, read_roles
from worker.pool import Pool


@pytest.fixture
def node(tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    """A node with one signed document that waits for its number."""
    folder = make_alone(tmp_path, pki)
    settings = folder / FILE_NAME  # which the pool's processes read, too
    told = settings.read_text(encoding="utf-8")
    settings.write_text(told.replace("[seal]", '[seal]\nlevel = "B-B"'), encoding="utf-8")
    prepared, signed = tmp_path / "prepared.pdf", tmp_path / "signed.pdf"
    prepare(SAMPLE_PDF, prepared)
    with Node.open(folder) as opened:
        person = load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)
        sign(prepared, signed, key=person, role="person", trust=opened.trust, offline=True)
        clerk.submit(opened, draft_for(SAMPLE_PDF), [signed], actor="clerk")
        yield opened


def state(node: Node) -> str:
    (only,) = clerk.documents(node)
    return str(only.state)


def test_who_hears_one_bell_goes_on_with_what_is_due(node: Node) -> None:
    (task,) = tasks.due(node.journal)
    with Pool(node.folder, size=1, seconds=60) as pool:
        ran = pool.run(task)
    assert ran.done == 3  # number, seal, pack; the recipient has no mailbox
    assert state(node) == State.PACKED
    assert not ran.replaced


def test_a_worker_of_certain_roles_leaves_the_rest_to_others(node: Node) -> None:
    (task,) = tasks.due(node.journal)
    with Pool(node.folder, size=1, seconds=60, kinds=frozenset({Work.NUMBER})) as pool:
        assert pool.run(task).done == 1
        assert state(node) == State.NUMBERED
        assert pool.run(task).done == 0
    assert tasks.due(node.journal, kinds=frozenset({Work.NUMBER})) == []
    (left,) = tasks.due(node.journal, kinds=frozenset({Work.SEAL, Work.PACK}))
    assert left != task


def test_a_process_that_dies_is_replaced_and_the_work_goes_on(node: Node) -> None:
    (task,) = tasks.due(node.journal)
    with Pool(node.folder, size=1, seconds=60) as pool:
        slot = pool._free.get()
        os.kill(slot.process.pid or 0, signal.SIGKILL)
        slot.process.join()
        pool._free.put(slot)
        ran = pool.run(task)
        assert (ran.replaced, ran.trouble) == (True, "a process died")
        assert pool.run(task).done == 3


def test_a_step_that_hangs_is_killed_after_its_time(node: Node) -> None:
    (task,) = tasks.due(node.journal)
    with Pool(node.folder, size=1, seconds=0.2) as pool:
        with node.journal.engine.begin() as connection:  # nobody else can write meanwhile
            connection.execute(text("UPDATE audit_head SET seq = seq"))
            ran = pool.run(task)
        assert ran.replaced
        assert "longer than 0.2 seconds" in ran.trouble
    assert state(node) == State.SIGNED


def test_the_memory_of_each_process_is_limited(node: Node) -> None:
    (task,) = tasks.due(node.journal)
    limit = 4 << 30
    with Pool(node.folder, size=2, seconds=60, memory=limit) as pool:
        assert pool.run(task).done == 3
        limits = {resource.prlimit(each.process.pid or 0, resource.RLIMIT_AS) for each in pool._slots}
    assert limits == {(limit, limit)}
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != limit, "who watches them is not limited"


def test_a_process_that_runs_out_of_memory_is_replaced(node: Node) -> None:
    (task,) = tasks.due(node.journal)
    with Pool(node.folder, size=1, seconds=60, memory=64 << 20) as pool:
        for _ in range(2):
            ran = pool.run(task)
            assert (ran.replaced, ran.trouble) == (True, "a process died")
    assert state(node) == State.SIGNED


def test_processes_that_are_told_to_drain_begin_nothing_of_their_own_accord(node: Node) -> None:
    (task,) = tasks.due(node.journal)
    signed = node.folder.parent / "signed.pdf"
    with Pool(node.folder, size=1, seconds=60) as pool:
        assert pool.run(task).done == 3
        for subject in ("V/v thứ hai", "V/v thứ ba"):
            clerk.submit(node, {**draft_for(SAMPLE_PDF), "subject": subject}, [signed], actor="clerk")
        pool.drain()
        ran = pool.run(min(set(tasks.due(node.journal)) - {task}))
    assert ran.done == 1, "only what it was asked for"
    assert ran.left, "what that led to is for others"
    assert sorted(row.state for row in clerk.documents(node)) == [State.NUMBERED, State.PACKED, State.SIGNED]


def test_roles_are_read_from_the_command_line() -> None:
    assert read_roles("") == Roles()
    roles = read_roles("seal, deliver,collect")
    assert roles.kinds == frozenset({Work.SEAL, Work.DELIVER})
    assert roles.collects
    assert roles.queue == "edoc-deliver-seal-collect"
    assert read_roles("verify").queue != read_roles("").queue
    with pytest.raises(SettingsError, match="there is no work called sael"):
        read_roles("sael")

"""What the shared folder promises beyond what every transport does (`test_transports`)."""

import io
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from killing import kill_within, on_a_small_disk

from edoc.core.ports import Parcel, Transport
from edoc.errors import InputError, Unavailable
from edoc.node.mailbox import Mailbox
from edoc.node.objects import DamagedObjectError

A, B = "H99.01", "000.00.02.H99"
PACKAGE = b"<edXML>xin ch\xc3\xa0o</edXML>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mailbox"


@pytest.fixture
def b(folder: Path) -> Transport:
    return Mailbox(folder, B)


@pytest.fixture
def a(folder: Path) -> Transport:
    return Mailbox(folder, A)


def send(transport: Transport, message_id: str, content: bytes = PACKAGE, *, to: str = B) -> None:
    transport.send(to=to, message_id=message_id, source=io.BytesIO(content))


def read(transport: Transport, parcel: Parcel) -> bytes:
    with transport.open(parcel) as package:
        return package.read()


def test_what_was_acknowledged_stays_as_evidence(a: Transport, b: Transport, folder: Path) -> None:
    send(a, "message-1")
    (parcel,) = b.waiting()
    b.acknowledge(parcel)
    assert [path.read_bytes() for path in folder.rglob("message-1.edxml")] == [PACKAGE]
    with pytest.raises(Unavailable, match="does not wait here any more"):
        read(b, parcel)


def test_what_never_came_cannot_be_acknowledged(b: Transport) -> None:
    with pytest.raises(Unavailable, match="no such parcel waits here"):
        b.acknowledge(Parcel(message_id="never-sent", mark=""))


def test_parcels_come_oldest_first_and_no_more_than_asked(a: Transport, b: Transport, folder: Path) -> None:
    for index, name in enumerate(("z", "y", "x")):
        send(a, name)
        (file,) = folder.rglob(f"{name}.edxml")
        os.utime(file, ns=(index, index))
    assert [parcel.message_id for parcel in b.waiting()] == ["z", "y", "x"]
    assert [parcel.message_id for parcel in b.waiting(limit=2)] == ["z", "y"]


def test_a_recipient_without_a_mailbox_is_unavailable_and_gets_none_made(a: Transport, folder: Path) -> None:
    with pytest.raises(Unavailable, match=r"the agency H99\.77 has no mailbox here.*first opened"):
        send(a, "message-1", to="H99.77")
    assert not (folder / "H99.77").exists()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "/etc", "a/b", "a\\b", "a\0b", "a\n", ".hidden", "ệ", "a" * 200],
)
def test_untrusted_ids_never_become_a_path(a: Transport, b: Transport, folder: Path, name: str) -> None:
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(InputError, match="cannot be a message id"):
        send(a, name)
    with pytest.raises(InputError, match="cannot be an agency's code"):
        send(a, "message-1", to=name)
    with pytest.raises(InputError, match="cannot be an agency's code"):
        Mailbox(folder, name)
    parcel = Parcel(message_id=name, mark="")
    with pytest.raises(InputError):
        read(b, parcel)
    with pytest.raises(InputError):
        b.acknowledge(parcel)
    assert sorted(folder.parent.rglob("*")) == before


def test_what_others_put_there_is_not_followed_and_does_not_block(
    a: Transport, b: Transport, folder: Path, tmp_path: Path
) -> None:
    new = folder / B / "new"
    secret = tmp_path / "secret"
    secret.write_bytes(b"not for others")
    (new / "link.edxml").symlink_to(secret)
    os.mkfifo(new / "pipe.edxml")
    (new / "folder.edxml").mkdir()
    (new / "readme.txt").write_text("not ours", encoding="utf-8")
    (new / " space .edxml").write_text("not ours", encoding="utf-8")
    send(a, "message-1")
    assert [parcel.message_id for parcel in b.waiting(limit=1)] == ["message-1"]
    with pytest.raises(Unavailable):
        read(b, Parcel(message_id="link", mark=""))


def test_looking_at_what_waits_reads_none_of_it(a: Transport, b: Transport, folder: Path) -> None:
    send(a, "message-1", bytes(1 << 20))
    (file,) = folder.rglob("message-1.edxml")
    before = file.stat().st_atime_ns
    os.utime(file, ns=(0, file.stat().st_mtime_ns))
    assert len(b.waiting()) == 1
    assert file.stat().st_atime_ns == 0 != before


def test_a_parcel_that_changes_after_it_was_listed_does_not_pass(
    a: Transport, b: Transport, folder: Path
) -> None:
    send(a, "message-1")
    (parcel,) = b.waiting()
    (file,) = folder.rglob("message-1.edxml")
    file.chmod(0o644)
    file.write_bytes(PACKAGE.replace(b"xin", b"XIN"))
    with pytest.raises(DamagedObjectError, match="written to after it was listed"):
        read(b, parcel)


def test_a_repeat_that_stands_where_a_parcel_was_is_another_one(
    a: Transport, b: Transport, folder: Path
) -> None:
    send(a, "message-1")
    (parcel,) = b.waiting()
    (file,) = folder.rglob("message-1.edxml")
    file.rename(folder / "kept")  # so that its inode is not given again
    send(a, "message-1")
    with pytest.raises(Unavailable, match="does not wait here any more"):
        read(b, parcel)


def test_a_parcel_that_changes_while_it_is_read_does_not_pass(
    a: Transport, b: Transport, folder: Path
) -> None:
    send(a, "message-1")
    (parcel,) = b.waiting()
    (file,) = folder.rglob("message-1.edxml")
    file.chmod(0o644)

    def read_slowly() -> None:
        with b.open(parcel) as package:
            package.read(4)
            file.write_bytes(PACKAGE + b"more")

    with pytest.raises(DamagedObjectError):
        read_slowly()


def test_a_repeat_that_crosses_its_acknowledgement_is_not_listed(
    a: Transport, b: Transport, folder: Path
) -> None:
    """The sender repeats what was acknowledged, and dies before it withdraws it."""
    send(a, "message-1")
    (parcel,) = b.waiting()
    b.acknowledge(parcel)
    (done,) = folder.rglob("message-1.edxml")
    (folder / B / "new" / done.name).write_bytes(PACKAGE)
    assert b.waiting() == ()
    assert list((folder / B / "new").iterdir()) == []


def test_three_senders_repeat_themselves_while_two_workers_receive_and_nothing_is_lost_or_doubled(
    folder: Path, b: Transport
) -> None:
    names = [f"message-{index}" for index in range(40)]
    settled: set[str] = set()
    deadline = time.monotonic() + 20

    def send_all() -> None:
        sender = Mailbox(folder, A)
        for name in random.sample(names, len(names)):
            send(sender, name, name.encode())

    def receive() -> None:
        receiver = Mailbox(folder, B)
        while len(settled) < len(names) and time.monotonic() < deadline:
            for parcel in receiver.waiting():
                receiver.acknowledge(parcel)
                settled.add(parcel.message_id)

    with ThreadPoolExecutor(5) as pool:
        at_work = [pool.submit(act) for act in (receive, send_all, send_all, receive, send_all)]
    assert [work.exception() for work in at_work] == [None] * 5
    assert b.waiting() == ()
    assert list((folder / B / "new").iterdir()) == []
    done = sorted((folder / B / "done").iterdir())
    assert [path.name for path in done] == sorted(f"{name}.edxml" for name in names)
    assert all(path.read_bytes() == path.stem.encode() for path in done)


def test_a_sender_killed_at_any_moment_leaves_only_whole_parcels(b: Transport, folder: Path) -> None:
    content = random.Random(3).randbytes(5 << 20)
    sent = random.Random()

    def send_one() -> None:
        size = sent.randrange(len(content))
        send(Mailbox(folder, A), f"{size}", content[:size])

    send(Mailbox(folder, A), "0", b"")
    assert all(kill_within(0.25, send_one) for _ in range(12))
    parcels = b.waiting(limit=10_000)
    assert len(parcels) > 1, "not one child came to its end: nothing was tested"
    for parcel in parcels:
        assert read(b, parcel) == content[: int(parcel.message_id)]


def test_a_receiver_killed_while_acknowledging_loses_and_doubles_nothing(a: Transport, folder: Path) -> None:
    names = [f"message-{index:03}" for index in range(120)]
    Mailbox(folder, B)
    for name in names:
        send(a, name, name.encode())

    def acknowledge() -> None:
        receiver = Mailbox(folder, B)
        for parcel in receiver.waiting(limit=3):
            receiver.acknowledge(parcel)

    assert all(kill_within(0.1, acknowledge) for _ in range(12))
    new, done = ({path.stem for path in (folder / B / part).iterdir()} for part in ("new", "done"))
    assert new | done == set(names)
    assert new & done == set()
    assert done


def test_the_disk_runs_full_and_nothing_is_left(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()

    def send_too_much() -> None:
        sender, receiver = Mailbox(disk, A), Mailbox(disk, B)
        with pytest.raises(Unavailable, match="the disk is full; nothing was left half done"):
            send(sender, "message-1", bytes(4 << 20))
        assert [path for path in disk.rglob("*") if path.is_file()] == []
        send(sender, "message-1", PACKAGE)
        assert len(receiver.waiting()) == 1

    assert on_a_small_disk(disk, 2 << 20, send_too_much) == 0


def test_a_folder_that_cannot_be_used_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "mailbox").write_text("a file, no folder", encoding="utf-8")
    with pytest.raises(Unavailable, match="the disk cannot be used"):
        Mailbox(tmp_path / "mailbox", A)

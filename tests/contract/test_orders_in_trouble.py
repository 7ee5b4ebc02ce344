"""Orders where something is in the way: steps that are given up, strange packages, two at the same moment."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from acting import Run
from pairing import Pair, do_step, open_pair, replacing, work
from sqlalchemy import Connection, event, select, text, update

from edoc.core.dispatch import Business, Dispatch, Organization
from edoc.core.lifecycle import Event, State, Work
from edoc.core.ports import Parcel
from edoc.demo.nodes import Backing
from edoc.devpki.hierarchy import DevPki
from edoc.errors import Refused
from edoc.node import clerk, deadletters, entering, orders, tasks
from edoc.node import tables as t
from edoc.node.entering import Arrival
from edoc.node.node import Node
from edoc.packing import unpack


@pytest.fixture
def pair(tmp_path: Path, pki: DevPki) -> Iterator[Pair]:
    with open_pair(tmp_path, pki) as made:
        yield made


def order(kind: str, named: str | None, *, own: str = "the-order") -> Dispatch:
    """An order that A's node did not make."""
    return Dispatch(
        from_=Organization(organ_id="H99.01"),
        to=(Organization(organ_id="H99.02"),),
        document_id=own,
        subject="Lấy lại",
        business=Business(document_id=named or "", business_doc_type=kind, business_doc_reason="Lý do"),
    )


def set_aside(node: Node, document: str, kind: Work) -> int:
    """Bring a document's step to the dead letters; returns it."""
    query = select(t.tasks.c.id).where(
        (t.tasks.c.document == document) & (t.tasks.c.kind == kind.value) & t.tasks.c.done_at.is_(None)
    )
    with node.journal.reading() as connection:
        task: int = connection.execute(query).scalar_one()
    claim = tasks.claim(node.journal, task, lease_seconds=60, max_starts=3)
    assert claim is not None
    tasks.set_aside(node.journal, claim, Refused("it cannot be done."))
    return task


def work_until(node: Node, document: str, state: State) -> None:
    """Do one step after the other, each in hands of its own."""
    while clerk.find(node, document).state != state:
        claim = tasks.claim_next(node.journal, tasks.Terms())
        assert claim is not None
        do_step(node, claim)
        with node.journal.engine.begin() as connection:  # whoever did it dies before it goes on
            fallen = [then.task for then in claim.then]
            let_fall = update(t.tasks).where(t.tasks.c.id.in_(fallen))
            connection.execute(let_fall.values(lease_until=None, starts=0))


def answered(pair: Pair) -> list[tuple[str, str]]:
    """What B told A so far, and about which DocumentId, before A looks."""
    found = []
    for parcel in pair.a.transport.waiting():
        with pair.a.transport.open(parcel) as source:
            status = unpack(source).status
        assert status is not None
        found.append((status.status_code, status.response_for.document_id))
    return sorted(found)


def test_a_recall_that_cannot_be_delivered_is_given_up_and_everything_comes_to_an_end(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    recall = orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu")
    assert recall is not None
    work_until(pair.a, recall, State.PACKED)
    task = set_aside(pair.a, recall, Work.DELIVER)
    deadletters.discard(pair.a, task, reason="Nơi nhận đã giải thể", actor="vanthu")
    pair.settle()
    assert (pair.state(recall), pair.delivery(recall)) == (State.ARCHIVED, State.WITHHELD)
    assert (pair.state(document), pair.delivery(document)) == (State.RECALLED, State.UNRECALLED)
    assert [row.state for row in pair.arrived()] == [State.REGISTERED]


def test_a_recall_that_cannot_be_packed_is_given_up_as_well(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    recall = orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu")
    assert recall is not None
    task = set_aside(pair.a, recall, Work.PACK)
    assert deadletters.discard(pair.a, task, reason="Gửi bằng giấy", actor="vanthu") is State.VOIDED
    pair.settle()
    assert (pair.state(document), pair.delivery(document)) == (State.RECALLED, State.UNRECALLED)


def test_a_delivery_that_was_given_up_but_had_left_shows_by_its_statuses(pair: Pair) -> None:
    document = pair.submit()
    work_until(pair.a, document, State.PACKED)
    claim = tasks.claim_next(pair.a.journal, tasks.Terms())
    assert claim is not None
    do_step(pair.a, claim)
    with pair.a.journal.engine.begin() as connection:  # as if the worker had died before it said so
        connection.execute(update(t.tasks).where(t.tasks.c.id == claim.task).values(done_at=None))
        connection.execute(update(t.deliveries).values(state=State.PENDING.value))
        connection.execute(update(t.documents).values(state=State.PACKED.value))
    task = set_aside(pair.a, document, Work.DELIVER)
    deadletters.discard(pair.a, task, reason="Không gửi được", actor="vanthu")
    assert pair.delivery(document) == State.WITHHELD
    pair.settle()
    assert pair.delivery(document) == State.ACCEPTED
    assert orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu") is not None
    pair.settle()
    assert [row.state for row in pair.arrived()] == [State.CANCELLED, State.AGREED]


def test_what_was_tried_set_aside_and_replayed_may_have_left(pair: Pair) -> None:
    document = pair.submit()
    work_until(pair.a, document, State.PACKED)
    task = set_aside(pair.a, document, Work.DELIVER)
    deadletters.replay(pair.a.journal, [task], actor="operator")
    assert orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu") is not None
    assert pair.delivery(document) == State.RECALLING


def test_a_recipient_that_claims_to_have_what_never_left_does_not_hinder_the_recall(pair: Pair) -> None:
    document = pair.submit()
    work_until(pair.a, document, State.PACKED)
    with pair.a.journal.transaction(actor="transport") as tx:
        tx.move_delivery(document, "H99.02", Event.STATUS_03)
    assert orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu") is not None


def test_a_recall_with_a_letter_is_carried_out_at_once_even_if_the_letter_is_refused(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    named = clerk.find(pair.a, document).document_id
    pair.hand_over(order("1", named), attach=True)
    pair.receive()
    arrived, letter = pair.arrived()
    assert (arrived.state, letter.state) == (State.CANCELLED, State.REFUSED)  # no seal on the letter
    assert answered(pair) == [("01", "the-order"), ("02", "the-order"), ("15", "the-order")]


def test_a_recall_under_the_identifier_of_what_it_recalls_is_no_conflict(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    named = clerk.find(pair.a, document).document_id
    pair.hand_over(order("1", named, own=named))
    pair.receive()
    arrived, recall = pair.arrived()
    assert (arrived.state, recall.state) == (State.CANCELLED, State.AGREED)
    assert answered(pair) == [("01", named), ("15", named)]


def test_an_order_about_an_order_is_declined_and_holds_nothing_up(pair: Pair) -> None:
    pair.hand_over(order("1", "second", own="first"), name="m-1")
    pair.receive()
    pair.hand_over(order("1", "first", own="second"), name="m-2")
    pair.receive()
    assert [row.state for row in pair.arrived()] == [State.DECLINED, State.DECLINED]
    assert pair.b.transport.waiting() == ()


def test_an_order_is_neither_recalled_nor_replaced(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    recall = orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu")
    assert recall is not None
    with pytest.raises(Refused, match="this is an order itself; it cannot be recalled"):
        orders.recall(pair.a, recall, reason="Nhầm", actor="vanthu")
    with pytest.raises(Refused, match="nothing replaces or corrects it"):
        pair.submit(subject="Thay thế", **replacing(clerk.find(pair.a, recall).document_id))
    with pytest.raises(Refused, match="only a document that we issued can be recalled"):
        orders.recall(pair.b, pair.arrived()[0].id, reason="Nhầm", actor="vanthu")


def test_a_document_is_not_recalled_by_submitting_one(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    named = clerk.find(pair.a, document).document_id
    business = {"business_doc_type": "1", "document_id": named}
    with pytest.raises(Refused, match="a document is not recalled by submitting one"):
        pair.submit(subject="Thu hồi", business=business)
    assert pair.state(document) == State.SENT


def test_a_clerk_returns_what_was_misaddressed(pair: Pair, run: Run) -> None:
    document = pair.submit()
    pair.settle()
    arrived = pair.arrived()[0].id
    without = run("refuse", arrived, "--reason", " ", "--node", pair.b.folder)
    assert (without.returncode, "a refusal needs a reason" in without.stderr) == (1, True)
    done = run("refuse", arrived, "--reason", "Gửi nhầm nơi nhận", "--node", pair.b.folder)
    assert done.returncode == 0, done.stderr
    pair.settle()
    assert pair.delivery(document) == State.REFUSED
    (heard,) = [entry for entry in clerk.story(pair.a, document) if entry.event == "status-02"]
    assert heard.details["description"] == "Từ chối tiếp nhận: Gửi nhầm nơi nhận"
    ours = run("refuse", document, "--reason", "Nhầm", "--node", pair.a.folder)
    assert "only a document that arrived can be refused" in ours.stderr


def test_each_recipient_has_its_own_attempts_and_the_story_shows_them(pair: Pair, run: Run) -> None:
    there, nowhere = ({"organ_id": code, "organ_name": "Cơ quan"} for code in ("H99.02", "H99.77"))
    document = pair.submit(to=[there, nowhere])
    pair.settle()
    made, away = clerk.tell(pair.a, document)["deliveries"]
    assert (made["state"], made["attempts"], made["next_at"]) == (State.ACCEPTED, 1, None)
    assert (away["state"], away["attempts"], away["code"]) == (State.PENDING, 1, "PEER_AWAY")
    assert away["next_at"] < away["expires_at"]
    assert pair.state(document) == State.PACKED
    shown = run("show", document, "--node", pair.a.folder).stdout
    assert "→ H99.02: accepted" in shown
    assert "→ H99.77: pending" in shown
    assert "1 lần thử / attempts, thử lại / again" in shown


@pytest.mark.parametrize("first", ["the document", "its recall"])
def test_an_order_and_the_document_it_names_arrive_at_the_same_moment(
    tmp_path: Path, pki: DevPki, postgres_database: str, first: str
) -> None:
    with (
        open_pair(tmp_path, pki, Backing(database_url=postgres_database)) as pair,
        Node.open(pair.b.folder) as other,
    ):
        document = pair.submit()
        while pair.state(document) != State.SENT:
            work(pair.a)
        (parcel,) = pair.b.transport.waiting()
        orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu")
        while work(pair.a):
            pass
        (recall,) = [each for each in pair.b.transport.waiting() if each != parcel]
        parcels = (parcel, recall) if first == "the document" else (recall, parcel)
        enter_together(pair.b, other, *parcels)
        assert sorted(row.state for row in pair.arrived()) == [State.AGREED, State.CANCELLED]


def enter_together(one: Node, other: Node, first: Parcel, second: Parcel) -> None:
    """Enter a package at one node while another worker has entered a first one, but not committed."""
    entered, may_commit = threading.Event(), threading.Event()

    def hold_up(_connection: Connection) -> None:
        entered.set()
        assert may_commit.wait(20)

    event.listen(one.journal.engine, "commit", hold_up)
    try:
        with ThreadPoolExecutor(2) as pool:
            slow = pool.submit(enter, one, first)
            assert entered.wait(20)
            quick = pool.submit(enter, other, second)
            wait_for(lambda: quick.done() or waits_for_a_lock(other))
            may_commit.set()
            assert (slow.result(20), quick.result(20)) == (True, True)
    finally:
        may_commit.set()
        event.remove(one.journal.engine, "commit", hold_up)


def enter(node: Node, parcel: Parcel) -> bool:
    with node.transport.open(parcel) as source:
        stored = node.objects.put(source)
    (entered,) = entering.enter_packages(node, [Arrival(parcel=parcel, stored=stored)])
    return entered.fits is True


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def waits_for_a_lock(node: Node) -> bool:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with node.journal.reading() as connection:
        return bool(connection.execute(waiting).scalar_one())

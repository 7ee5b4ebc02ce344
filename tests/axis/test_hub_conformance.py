"""Client and hub against each other over real HTTP: every call, and what it must mean."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hubpeers import Member, document, join, send, shipment, status

from edoc.axis.connection import Access
from edoc.axis.content import Kind
from edoc.axis.provincial import Login, ProvincialClient
from edoc.axis.replies import Registration
from edoc.axis.wire import MessageType, Transfer
from edoc.core.zone import VIETNAM
from edoc.demo.hub import HubServer
from edoc.errors import EdocError, InputError, Refused, Unavailable


def test_a_document_comes_out_byte_for_byte_and_leaves_the_queue_when_done(a: Member, b: Member) -> None:
    package = document(a, b)
    doc_id = send(a, package, b)
    (row,) = b.received()
    assert (row.doc_id, row.from_, row.to, row.status) == (doc_id, a.code, b.code, "initial")
    assert b.fetched(doc_id) == package
    with b.client() as client:
        client.update_status(doc_id, Transfer.PROCESSING)
        assert [row.status for row in b.received()] == ["processing"]
        client.update_status(doc_id, Transfer.DONE)
    assert b.received() == ()
    assert b.fetched(doc_id) == package


def test_get_gives_the_same_bytes_as_download(a: Member, b: Member) -> None:
    package = document(a, b)
    doc_id, target = send(a, package, b), io.BytesIO()
    with b.client() as client:
        assert client.get(doc_id, target) is Kind.PACKAGE
    assert target.getvalue() == package


def test_statuses_and_documents_are_listed_and_counted_apart(a: Member, b: Member) -> None:
    doc_id, answer = send(a, document(a, b), b), send(a, status(a, b))
    assert [row.doc_id for row in b.received()] == [doc_id]
    assert [row.doc_id for row in b.received(MessageType.STATUS)] == [answer]
    with b.client() as client:
        assert (client.count_documents(), client.count_statuses()) == (1, 1)


def test_without_the_header_the_receivers_are_those_of_the_package(
    a: Member, b: Member, hub: HubServer
) -> None:
    c = join(hub)
    send(a, document(a, b, c))
    assert (len(b.received()), len(c.received())) == (1, 1)


def test_each_of_several_receivers_has_a_delivery_of_its_own(a: Member, b: Member, hub: HubServer) -> None:
    c, package = join(hub), document(a, b)
    doc_id = send(a, package, b, c)
    with b.client() as client:
        client.update_status(b.received()[0].doc_id, Transfer.DONE)
    assert b.received() == ()
    assert c.fetched(c.received()[0].doc_id) == package
    with a.client() as client:
        rows = client.list_sent(MessageType.DOCUMENT, doc_id=doc_id)
    assert {row.to_code: row.receive_status for row in rows} == {b.code: "done", c.code: "initial"}


def test_sending_again_gives_the_first_id_and_delivers_once(a: Member, b: Member) -> None:
    package = document(a, b)
    assert send(a, package, b) == send(a, package, b) == send(a, package)
    assert len(b.received()) == 1


def test_the_sender_finds_by_its_hash_what_arrived(a: Member, b: Member) -> None:
    sent, other = (shipment(a, document(a, b), b) for _ in range(2))
    today = datetime.now(UTC).date() - timedelta(days=1)
    with a.client() as client:
        doc_id = client.send(sent)
        assert client.find_sent(sent, document_id="", since=today) == doc_id
        assert client.find_sent(other, document_id="", since=today) is None


def test_a_list_since_tomorrow_is_empty(a: Member, b: Member) -> None:
    send(a, document(a, b), b)
    today = datetime.now(VIETNAM).date()
    with b.client() as client:
        assert client.list_received(MessageType.DOCUMENT, since=today)
        assert client.list_received(MessageType.DOCUMENT, since=today + timedelta(days=1)) == ()


@pytest.mark.parametrize("capitals", [False, True])
def test_both_vocabularies_of_transfer_are_understood(a: Member, b: Member, *, capitals: bool) -> None:
    doc_id = send(a, document(a, b), b)
    with b.client() as client:
        client.update_status(doc_id, Transfer.FAIL, capitals=capitals)
    assert b.received() == ()


def test_a_status_never_goes_back(a: Member, b: Member) -> None:
    doc_id = send(a, document(a, b), b)
    with b.client() as client:
        for transfer in (Transfer.DONE, Transfer.PROCESSING, Transfer.INITIAL, Transfer.FAIL):
            client.update_status(doc_id, transfer)
    with a.client() as client:
        (row,) = client.list_sent(MessageType.DOCUMENT, doc_id=doc_id)
    assert row.receive_status == "done"


def test_an_unknown_receiver_is_refused_and_nobody_gets_anything(a: Member, b: Member) -> None:
    lost = replace(shipment(a, document(a, b)), receivers=(b.code, "H77.99"))
    with a.client() as client, pytest.raises(Refused, match=r"H77\.99") as caught:
        client.send(lost)
    assert caught.value.code == "AXIS_18"
    assert b.received() == ()


@pytest.mark.parametrize("claims", ["itself", "the other"])
def test_nobody_sends_for_another(a: Member, b: Member, hub: HubServer, claims: str) -> None:
    other = join(hub)
    forged = shipment(a, document(other, b), b)
    with a.client() as client, pytest.raises(Refused) as caught:
        client.send(forged if claims == "itself" else replace(forged, sender=other.code))
    assert caught.value.code == "AXIS_19"
    assert b.received() == ()


def test_nobody_reads_or_ends_what_came_for_another(a: Member, b: Member, hub: HubServer) -> None:
    doc_id, c = send(a, document(a, b), b), join(hub)
    with c.client() as client:
        for act in (
            lambda: client.get(doc_id, io.BytesIO()),
            lambda: client.download(doc_id, io.BytesIO()),
            lambda: client.update_status(doc_id, Transfer.DONE),
        ):
            with pytest.raises(EdocError):
                act()
    several = send(a, document(a, b, c))  # each delivery has an id of its own here
    with a.client() as client, pytest.raises(Refused):  # not even the sender ends it for the receiver
        client.update_status(several, Transfer.DONE)
    assert [row.status for row in b.received()] == ["initial", "initial"]


def test_what_is_no_package_is_refused(a: Member, b: Member) -> None:
    for content in (b"no package at all", b"<html></html>", document(a, b)[:-200]):
        with a.client() as client, pytest.raises(InputError) as caught:
            client.send(shipment(a, content, b))
        assert caught.value.code == "AXIS_22"
    assert b.received() == ()


def test_a_wrong_secret_and_an_unknown_system_are_told_the_same(a: Member, b: Member) -> None:
    stranger = Member(code="H99.nobody", secret=b.secret, url=b.url)
    said = []
    for client in (a.client(secret="x" * 32), stranger.client()):
        with client, pytest.raises(Unavailable) as caught:
            client.list_agencies()
        assert caught.value.code == "AXIS_15"
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_a_system_registers_what_lies_below_it_and_answers_for_it(a: Member, b: Member) -> None:
    below = f"{a.code}.05"
    with a.client() as client:
        client.register(Registration(code=below, name="Phòng Tổ chức", parent_code=a.code))
        assert below in {row.code for row in client.list_agencies()}
        parent = {row.id: row.code for row in client.list_agencies()}
        (row,) = (row for row in client.list_units() if row.code == below)
        assert (parent[row.pid], row.deleted, row.center_code) == (a.code, False, "H99")
    office = Member(code=below, secret=a.secret, url=a.url)
    doc_id = send(b, document(b, office), office)
    assert [(row.doc_id, row.to) for row in a.received()] == [(doc_id, below)]
    with a.client() as client:
        client.delete(below)
        assert below not in {row.code for row in client.list_agencies()}
        (row,) = (row for row in client.list_units() if row.code == below)
        assert row.deleted
    with b.client() as client, pytest.raises(Refused):
        client.send(shipment(b, document(b, office), office))


@pytest.mark.parametrize("code", ["H98.01", "000.00.00.H98", "H99"])
def test_a_system_registers_nothing_that_lies_elsewhere(a: Member, code: str) -> None:
    with a.client() as client, pytest.raises(Refused, match="does not lie below"):
        client.register(Registration(code=code, name="X", parent_code=a.code))


def test_nobody_deletes_an_agency_that_is_not_its_own(a: Member, b: Member) -> None:
    with a.client() as client, pytest.raises(Refused):
        client.delete(b.code)
    assert b.received() == ()


def test_an_agency_is_reached_by_either_form_of_its_code(a: Member, hub: HubServer) -> None:
    both = join(hub, "H99.7", old_code="000.00.07.H99")
    old = Member(code="000.00.07.H99", secret=both.secret, url=both.url)
    package = document(a, old)
    assert send(a, package, old) == send(a, package, both)  # they are the same agency
    assert [row.to for row in both.received()] == ["H99.7"]
    with a.client() as client:
        assert "H99.7" in {row.code for row in client.list_agencies_qd20("2")}
        assert "H99.7" not in {row.code for row in client.list_agencies_qd20("1")}
        (row,) = (row for row in client.list_agencies() if row.code == "H99.7")
    assert row.old_code == "000.00.07.H99"


def test_the_provincial_variant_does_the_same_under_other_names(a: Member, b: Member) -> None:
    def log_in(member: Member) -> ProvincialClient:
        access = Access(url=member.url, system_id=member.code, secret=member.secret)
        login = Login(username=member.code, password=member.secret)
        return ProvincialClient(access, login, clock=lambda: datetime.now(UTC))

    package, target = document(a, b), io.BytesIO()
    with log_in(a) as client:
        assert b.code in {row.code for row in client.list_agencies()}
        doc_id = client.send(shipment(a, package))
        assert client.send(shipment(a, package)) == doc_id
    with log_in(b) as client:
        (row,) = client.list_received(MessageType.DOCUMENT)
        assert (row.doc_id, row.from_, row.status) == (doc_id, a.code, "initial")
        assert client.fetch(doc_id, target) is Kind.PACKAGE
        client.update_status(doc_id, Transfer.DONE)
        assert client.list_received(MessageType.DOCUMENT) == ()
    assert target.getvalue() == package


def test_the_provincial_variant_lets_nobody_in_with_a_wrong_password(a: Member, b: Member) -> None:
    access = Access(url=a.url, system_id=a.code, secret=a.secret)
    for login in (Login(username=a.code, password=b.secret), Login(username=b.code, password=b.secret)):
        client = ProvincialClient(access, login, clock=lambda: datetime.now(UTC))
        with client, pytest.raises(Unavailable):
            client.list_agencies()

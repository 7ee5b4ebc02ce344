"""The line breaks at each point of each call, and nothing is lost, doubled or believed."""

import io
import random
from collections.abc import Callable

import pytest
from cutting import cutting
from hubpeers import Member, document, send, shipment

from edoc.axis.client import AxisClient
from edoc.axis.content import Kind
from edoc.axis.profile import Shipment
from edoc.axis.wire import MessageType, Transfer
from edoc.errors import Unavailable

SHARES = (0.0, 0.02, 0.3, 0.6, 0.97)
"""Where the line breaks, as shares of what passes."""
Call = Callable[[AxisClient], object]


def measure(member: Member, call: Call) -> dict[str, int]:
    """How many bytes a call takes, up and down."""
    with cutting(member.url) as line, member.client(url=line.url) as client:
        call(client)
        return dict(line.passed)


def points(total: int) -> list[int]:
    """Where to cut: the first byte, the last but one, the last, and between."""
    return sorted({0, 1, *(int(total * share) for share in SHARES), total - 1, total})


def break_off(member: Member, call: Call, *, up: int | None = None, down: int | None = None) -> bool:
    """Make a call over a line that breaks; returns whether it came to a good end all the same."""
    with cutting(member.url, up=up, down=down) as line, member.client(url=line.url) as client:
        try:
            call(client)
        except Unavailable:
            return False
        return True


def sending(parcel: Shipment) -> Call:
    return lambda client: client.send(parcel)


def ending(doc_id: str) -> Call:
    return lambda client: client.update_status(doc_id, Transfer.DONE)


@pytest.mark.parametrize("way", ["up", "down"])
def test_whatever_breaks_while_sending_the_package_is_delivered_once(a: Member, b: Member, way: str) -> None:
    sample = document(a, b)
    cuts = points(measure(a, sending(shipment(a, sample, b)))[way])
    expected = {send(a, sample, b)}
    survived = 0
    for cut in cuts:
        package = document(a, b)
        survived += break_off(a, sending(shipment(a, package, b)), **{way: cut})
        doc_id = send(a, package, b)  # the sender does not know, and sends again
        assert doc_id not in expected
        expected.add(doc_id)
        assert b.fetched(doc_id) == package
    assert {row.doc_id for row in b.received()} == expected
    assert len(b.received()) == len(expected)
    assert survived < len(cuts)


def test_a_lost_reply_to_a_sending_is_found_by_asking(a: Member, b: Member) -> None:
    package = document(a, b)
    assert not break_off(a, sending(shipment(a, package, b)), down=0)
    (row,) = b.received()
    assert send(a, package, b) == row.doc_id


def test_a_download_that_breaks_goes_on_where_it_broke(a: Member, b: Member) -> None:
    package = document(a, b, content=random.Random(1).randbytes(40_000).hex())
    doc_id = send(a, package, b)
    total = measure(b, lambda client: client.download(doc_id, io.BytesIO()))["down"]
    for cut in (1000, total // 3, total - 1):
        target = io.BytesIO()
        with cutting(b.url, down=cut) as line, b.client(url=line.url) as client:
            assert client.download(doc_id, target) is Kind.PACKAGE
            assert line.connections == 2
        assert target.getvalue() == package


def test_a_package_in_json_that_breaks_off_is_an_error(a: Member, b: Member) -> None:
    doc_id = send(a, document(a, b), b)
    total = measure(b, lambda client: client.get(doc_id, io.BytesIO()))["down"]
    for cut in points(total)[:-1]:
        assert not break_off(b, lambda client: client.get(doc_id, io.BytesIO()), down=cut)


def test_a_list_that_breaks_off_is_an_error_and_no_empty_list(a: Member, b: Member) -> None:
    send(a, document(a, b), b)
    total = measure(b, lambda client: client.list_received(MessageType.DOCUMENT))["down"]
    for cut in points(total)[:-1]:
        assert not break_off(b, lambda client: client.list_received(MessageType.DOCUMENT), down=cut)


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_status_of_transfer_whose_call_breaks_is_told_again(a: Member, b: Member, way: str) -> None:
    probe = send(a, document(a, b), b)
    cuts = points(measure(b, ending(probe))[way])
    for cut in cuts:
        doc_id = send(a, document(a, b), b)
        break_off(b, ending(doc_id), **{way: cut})
        with b.client() as client:
            client.update_status(doc_id, Transfer.DONE)
    assert b.received() == ()

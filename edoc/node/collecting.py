"""Takes in what waits at the transport: make durable, enter, acknowledge.

Nothing is acknowledged before it is durable and entered (QĐ 28/2018 Art 6 and 9.1). Packages are entered in
the order in which the transport lists them, so that what one sender says last is heard last.
"""

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from edoc.core.ports import Parcel
from edoc.errors import EdocError, InputError
from edoc.node.entering import Arrival, Entered, enter_packages
from edoc.node.logs import facts_of
from edoc.node.node import Node
from edoc.node.scratch import store_stream

Enter = Callable[[Sequence[Arrival]], Sequence[Entered]]
"""Enters packages that are durable here."""
_MAX_TROUBLE = 3
"""After so many packages that could not be taken in, the trouble is not the packages'."""
log = structlog.get_logger()


def collect(node: Node, *, enter: Enter | None = None) -> int:
    """Take in every package that waits at the transport; returns how many were taken.

    `enter` decides what packages are and enters them, in another process for instance; `enter_packages` if it
    is left out. One that cannot be taken in now does not hold up the others; what went wrong first is raised
    at the end.
    """
    troubles, taken = list[EdocError](), 0
    waiting, at_once = node.transport.waiting(), node.settings.worker.at_once
    for first in range(0, len(waiting), at_once):
        parcels = waiting[first : first + at_once]
        taken += _take(node, parcels, enter or partial(enter_packages, node), troubles)
        if len(troubles) >= _MAX_TROUBLE:
            break
    if troubles:
        raise troubles[0]
    return taken


def _take(node: Node, parcels: Sequence[Parcel], enter: Enter, troubles: list[EdocError]) -> int:
    """Make some packages durable, enter them, and only then tell the transport; returns how many it were."""
    arrivals, taken = list[Arrival](), 0
    for parcel in parcels:
        try:
            arrival = _make_durable(node, parcel)
        except EdocError as error:
            _note(parcel, error, troubles)
        else:
            taken += arrival is None
            arrivals += [] if arrival is None else [arrival]
    for arrival, entered in zip(arrivals, enter(arrivals) if arrivals else (), strict=True):
        try:
            if entered.trouble is not None:
                raise entered.trouble
            if entered.fits:
                node.transport.acknowledge(arrival.parcel)
            elif entered.fits is not None:
                node.transport.refuse(arrival.parcel)
            taken += entered.fits is not None
        except EdocError as error:
            _note(arrival.parcel, error, troubles)
    return taken


def _make_durable(node: Node, parcel: Parcel) -> Arrival | None:
    """Store a package; None if not even the transport can make anything of it, and it was refused."""
    try:
        with node.transport.open(parcel) as source:
            return Arrival(parcel=parcel, stored=store_stream(node, source))
    except InputError as error:
        with node.journal.transaction(actor="transport") as tx:
            tx.note(None, "unfit", message_id=parcel.message_id, reason=str(error))
        node.transport.refuse(parcel)
        return None


def _note(parcel: Parcel, error: EdocError, troubles: list[EdocError]) -> None:
    log.warning("package not taken in", message_id=parcel.message_id, **facts_of(error))
    troubles.append(error)

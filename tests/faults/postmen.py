"""A postman between two mailboxes who delivers everything twice and in disorder.

Each node has a mailbox folder of its own; what it sends waits there for the postman. He takes a package now
and then, carries it over under its own id or under another one, and later once more, as relays do.
"""

import io
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from grounds import Side

from edoc.core.ports import Parcel
from edoc.errors import EdocError
from edoc.node.mailbox import Mailbox

_ROUND_SECONDS: Final = 0.05
_KEPT_BACK: Final = 0.85
"""Of what waits is left for a later round: so things overtake each other."""


@dataclass(slots=True)
class Postman:
    """Carries packages from each side's own folder to the other's."""

    folder: Path
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    """What he did: packages `carried`, `repeated`, `renamed`, and those that `overtook` an older one."""
    stopping: threading.Event = field(default_factory=threading.Event)
    finished: bool = False
    """Whether he carried over everything, twice, and went home."""
    _pending: list[tuple[Side, str, bytes]] = field(default_factory=list)
    _number: int = 0

    def root(self, side: Side) -> Path:
        """The folder that a side's node takes for the mailbox."""
        return self.folder / f"mailbox-{side.agency.key}"

    def prepare(self, *sides: Side) -> None:
        """Make the boxes of both agencies in both folders."""
        for side in sides:
            for agency in (side.agency, side.peer):
                Mailbox(self.root(side), agency.organ_id)

    def walk(self, *sides: Side) -> None:
        """Go his rounds until he is stopped, then carry over what is left."""
        while not self.stopping.is_set():
            for side in sides:
                self._collect(side)
            self._repeat()
            time.sleep(_ROUND_SECONDS)
        for side in sides:
            while self._collect(side, everything=True):
                pass
        while self._pending:
            self._repeat()
        self.finished = True

    def _collect(self, side: Side, *, everything: bool = False) -> int:
        """Take some of what a side sent and carry it to the other."""
        box = Mailbox(self.root(side), side.peer.organ_id)
        waiting = list(enumerate(box.waiting()))
        self.dice.shuffle(waiting)
        taken = [each for each in waiting if everything or self.dice.random() > _KEPT_BACK]
        for _, parcel in taken:
            self._carry(side, box, parcel)
        left = {place for place, _ in waiting} - {place for place, _ in taken}
        self.done["overtook"] += sum(any(older < place for older in left) for place, _ in taken)
        return len(taken)

    def _carry(self, side: Side, box: Mailbox, parcel: Parcel) -> None:
        with box.open(parcel) as source:
            content = source.read()
        self._number += 1
        self._put(side, parcel.message_id, content)
        again = parcel.message_id if self.dice.random() < 1 / 2 else f"again-{self._number}"
        self.done["renamed"] += again != parcel.message_id
        self._pending.append((side, again, content))
        box.acknowledge(parcel)
        self.done["carried"] += 1

    def _repeat(self) -> None:
        """Deliver something a second time."""
        if self._pending:
            self._put(*self._pending.pop(self.dice.randrange(len(self._pending))))
            self.done["repeated"] += 1

    def _put(self, side: Side, message_id: str, content: bytes) -> None:
        # opened as its owner's: so the box is there
        there = Mailbox(self.folder / f"mailbox-{side.peer.key}", side.peer.organ_id)
        there.send(to=side.peer.organ_id, message_id=message_id, source=io.BytesIO(content))


@contextmanager
def walking(postman: Postman, *sides: Side) -> Iterator[None]:
    """Have the postman walk while the block runs. Raises what stopped him."""
    trouble = list[EdocError]()

    def walk() -> None:
        try:
            postman.walk(*sides)
        except EdocError as error:
            trouble.append(error)

    thread = threading.Thread(target=walk, name="postman")
    thread.start()
    try:
        yield
    finally:
        postman.stopping.set()
        thread.join()
    if trouble:
        raise trouble[0]

"""Two real nodes that share a mailbox, and what their people and workers do, a step at a time."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edoc.core.dispatch import Business, Dispatch, Organization, Replacement
from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.keys.loading import load_key
from edoc.node import clerk, collecting, steps, tasks
from edoc.node.node import Node
from edoc.packing import pack
from edoc.signing import prepare, sign


@dataclass
class Pair:
    """Agency A, which issues, and agency B, which receives."""

    a: Node
    b: Node
    signed: Path

    def submit(self, **header: Any) -> str:
        return clerk.submit(self.a, {**draft_for(SAMPLE_PDF), **header}, [self.signed], actor="clerk")

    def settle(self) -> None:
        """Let both nodes work until nothing is left to do."""
        while any([*map(collecting.collect, (self.a, self.b)), *map(work, (self.a, self.b))]):
            pass

    def state(self, document: str) -> str:
        return str(clerk.find(self.a, document).state)

    def delivery(self, document: str) -> str:
        (only,) = clerk.tell(self.a, document)["deliveries"]
        return str(only["state"])

    def arrived(self) -> list[Any]:
        """What B received, the oldest first."""
        return clerk.documents(self.b, direction="incoming")

    def hand_over(self, dispatch: Dispatch, *, attach: bool = False, name: str = "by-hand") -> None:
        """Put a package of A into B's box, which A's node did not make."""
        package = io.BytesIO()
        pack(dispatch, attach=[self.signed] if attach else [], out=package)
        self.a.transport.send(to="H99.02", message_id=name, source=io.BytesIO(package.getvalue()))

    def receive(self) -> None:
        """Let B alone work until nothing is left to do."""
        while collecting.collect(self.b) + work(self.b):
            pass


def do_step(node: Node, claim: tasks.Claim) -> None:
    """Do one claimed step and commit it."""
    finish = steps.STEPS[claim.kind](node, claim)
    with tasks.finishing(node.journal, claim) as tx:
        finish(tx)


def work(node: Node) -> int:
    """Do what is due now; returns how many steps were done."""
    return sum(steps.run(node, task) for task in tasks.due(node.journal))


def replacing(named: str | None, *organ_ids: str) -> dict[str, object]:
    """The business of a draft that replaces the document."""
    business = Business(
        business_doc_type="3",
        business_doc_reason="Thay thế",
        paper="0",
        replacements=(Replacement(document_id=named or "", organ_ids=organ_ids),),
    )
    header = Dispatch(from_=Organization(organ_id="H99.01"), business=business)
    return {"business": header.to_dict()["business"]}


@contextmanager
def open_pair(folder: Path, pki: DevPki, backing: Backing | None = None) -> Iterator[Pair]:
    """Make both nodes; `backing` is B's, the embedded default if it is left out."""
    with ExitStack() as stack:
        folders = make_nodes(
            folder,
            pki=pki.folder,
            seal_image=SAMPLES / "seal-a.png",
            tsa=stack.enter_context(serving(pki)) + "/tsa",
            backings=(Backing(), backing or Backing()),
        )
        a, b = (stack.enter_context(Node.open(each)) for each in folders)
        prepared, signed = folder / "prepared.pdf", folder / "signed.pdf"
        prepare(SAMPLE_PDF, prepared)
        person = load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)
        sign(prepared, signed, key=person, role="person", trust=a.trust, offline=True)
        yield Pair(a=a, b=b, signed=signed)

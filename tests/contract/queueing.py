"""An office with a signing queue: a node, a clerk who submits, and the tokens of two persons."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edoc.core.ports import SigningKey
from edoc.demo.nodes import Backing, make_node
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.profiles import AGENCIES
from edoc.keys.loading import load_key
from edoc.node import clerk, signingdesk, signingqueue
from edoc.node.node import Node
from edoc.node.signingdesk import Offer
from edoc.node.signingqueue import Signer
from edoc.signing import prepare


@dataclass
class Office:
    """A node, a clerk who submits, and the tokens of two persons."""

    node: Node
    pki: DevPki
    ready: Path

    def key(self, name: str) -> SigningKey:
        return load_key(self.pki.key_path(name), passphrase=self.pki.passphrase)

    def name(self, key: str) -> str:
        return signingqueue.require_person(self.key(key).certificate)

    def submit(self, *signers: Signer, **more: Any) -> str:
        wanted = signers or (Signer(person=self.name("a-person1")),)
        draft = draft_for(SAMPLE_PDF)
        return signingqueue.submit(self.node, draft, [self.ready], signers=wanted, actor="vanthu", **more)

    def waiting(self, **more: Any) -> list[int]:
        return [each["request"] for each in signingqueue.list_requests(self.node, **more)]

    def only(self) -> int:
        (request,) = self.waiting()
        return request

    def take(self, request: int, key: str = "a-person1", *, actor: str = "desk", **more: Any) -> Offer:
        token = self.key(key)
        return signingdesk.take(
            self.node, request, certificate=token.certificate, chain=token.chain, actor=actor, **more
        )

    def value(self, offer: Offer, key: str = "a-person1") -> bytes:
        return self.key(key).sign(offer.attributes, digest=offer.state.digest)

    def hand_in(self, offer: Offer, key: str = "a-person1", *, actor: str = "desk") -> str:
        return signingdesk.hand_in(self.node, offer.request, self.value(offer, key), actor=actor)

    def state(self, document: str) -> str:
        return str(clerk.find(self.node, document).state)

    def events(self, document: str) -> list[str]:
        return [entry.event for entry in clerk.story(self.node, document)]


def make_office(folder: Path, pki: DevPki, url: str, tsa: str = "http://127.0.0.1:9/tsa") -> Path:
    prepare(SAMPLE_PDF, folder / "ready.pdf")
    return make_node(
        folder / "a",
        agency=AGENCIES[0],
        pki=pki.folder,
        seal_image=SAMPLES / "seal-a.png",
        transport={"mailbox": {"path": str(folder / "mailbox")}},
        tsa=tsa,
        backing=Backing(database_url=url),
    )

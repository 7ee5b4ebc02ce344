"""The journey of one dispatch from agency A to agency B, played on two real nodes.

People act here (prepare, sign, complete); everything between is done by the nodes' workers, which know
nothing of the demo. Each act can be repeated: after a crash the same call goes on where it stopped.
"""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edoc.core.lifecycle import Event, State
from edoc.demo.screen import Screen
from edoc.errors import Refused, Unavailable
from edoc.keys.loading import load_key
from edoc.node import clerk
from edoc.node.node import Node
from edoc.signing import prepare, sign

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "submit": ("Văn thư trình văn bản đã ký", "submitted, signed by the competent person"),
    "number": ("Cấp số, ngày; vào sổ văn bản đi", "number and date given, entered in the register"),
    "seal": ("Điền số, ngày; ký số của cơ quan", "number and date filled in, agency seal made"),
    "pack": ("Đóng gói edXML", "packaged as edXML"),
    "deliver": ("Gửi qua hộp thư chung", "delivered to the shared mailbox"),
    "send": ("Văn bản đã gửi", "sent to every recipient"),
    "status-01": ("Nhận trạng thái 01: đã đến", "status 01 came in: arrived"),
    "status-02": ("Nhận trạng thái 02: từ chối", "status 02 came in: refused"),
    "status-03": ("Nhận trạng thái 03: đã tiếp nhận", "status 03 came in: accepted"),
    "status-06": ("Nhận trạng thái 06: đã hoàn thành", "status 06 came in: completed"),
    "conclude": ("Mọi nơi nhận đã xử lý xong", "every recipient has concluded"),
    "receive": ("Gói tin đến, đã lưu bền vững", "package received and durable"),
    "verify": ("Kiểm tra chữ ký: hợp lệ", "both signatures and the document rule hold"),
    "refuse": ("Từ chối tiếp nhận", "refused"),
    "register": ("Cấp số đến; vào sổ văn bản đến", "arrival number given, entered in the register"),
    "answer-01": ("Trả lời 01: đã đến", "answered 01: arrived"),
    "answer-02": ("Trả lời 02: từ chối", "answered 02: refused"),
    "answer-03": ("Trả lời 03: đã tiếp nhận", "answered 03: accepted"),
    "answer-06": ("Trả lời 06: đã hoàn thành", "answered 06: completed"),
    "complete": ("Chuyên viên hoàn thành xử lý", "the clerk completed it"),
    "archive": ("Lưu trữ, có bản kê SHA-256", "archived with its manifest"),
    "void": ("Huỷ số, nêu lý do", "number voided, with its reason"),
    "set-aside": ("Một bước phải dừng lại", "a step was set aside for a person"),
}
_OVER_AXIS: Final[Mapping[str, tuple[str, str]]] = {
    "deliver": ("Gửi lên trục liên thông", "sent to the hub of the axis"),
}
_ANSWERS: Final = frozenset({"status-01", "status-03", "status-06"})
_POLL_SECONDS: Final = 0.05
_QUIET_SECONDS: Final = 10
"""After this time without a step, what holds it up is told."""
_PATIENCE_SECONDS: Final = 120
_ROOM_BYTES: Final = 1 << 20
_GO_ON: Final = "Remove the cause and run the demo again: it goes on from here."


@dataclass(slots=True)
class Journey:
    """Plays the journey and shows what both nodes' audit logs say."""

    a: Node
    b: Node
    screen: Screen
    check_servants: Callable[[], None]
    """Called again and again while waiting: keeps workers and services alive."""
    over_axis: bool = False
    _seen: dict[str, int] = field(default_factory=dict)

    def sign_draft(self, pdf: Path, desk: Path, *, pki: Path, image: Path, tsa: str) -> Path:
        """Prepare the PDF and let A's competent person sign it; what lies on the desk already is kept."""
        prepared, signed = desk / f"prepared-{pdf.name}", desk / pdf.name
        if not prepared.exists():
            prepare(pdf, prepared)
            self.screen.show(
                "a", "Chuẩn bị PDF: ô số, ngày, chữ ký", "PDF prepared with empty fields", str(prepared)
            )
        if not signed.exists():
            passphrase = (pki / "passphrase.txt").read_text(encoding="utf-8").strip()
            sign(
                prepared,
                signed,
                key=load_key(pki / "a-person2.p12", passphrase=passphrase),
                role="person",
                level="B-T",
                image=image,
                tsa=tsa,
                trust=self.a.trust,
                offline=True,
            )
            self.screen.show("a", "Người có thẩm quyền ký số", "the competent person signed", str(signed))
        return signed

    def send(self, draft: dict[str, Any], signed: Path) -> str:
        """Submit the signed PDF at A and wait until it has arrived at B and is registered there."""
        document = clerk.submit(self.a, draft, [signed], actor="clerk-a")
        self.wait("a", document, State.SENT, State.COMPLETED, State.ARCHIVED)
        return document

    def complete(self, document_id: str) -> str:
        """Let B's clerk complete the arrived document; waits until B has archived it."""
        self._until(lambda: bool(self._arrived(document_id)))
        document: str = self._arrived(document_id)[0].id
        reached = self.wait("b", document, State.REGISTERED, State.COMPLETED, State.ARCHIVED)
        if reached is State.REGISTERED:
            clerk.act(self.b, document, Event.COMPLETE, actor="clerk-b")
        self.wait("b", document, State.ARCHIVED)
        return document

    def hear(self, document: str) -> None:
        """Wait until B's last answers have come to A, which may take them in in another order."""
        self.wait("a", document, State.ARCHIVED)
        self._until(lambda: {file.role for file in clerk.files(self.a, document)} >= _ANSWERS)
        self._show_news()

    def wait(self, side: str, document: str, *goals: State) -> State:
        """Wait until the document has reached one of the states, showing each step on the way.

        Raises `Refused` if it can no longer get there, with the reason, and `Unavailable` if nothing moves.
        """
        node = self.a if side == "a" else self.b

        def reached() -> bool:
            self._show_news()
            state = State(clerk.find(node, document).state)
            if state in {State.REFUSED, State.VOIDED} or any(
                row.dead_at for row in clerk.trouble(node, document)
            ):
                raise Refused(self._why(node, document), where=str(node.folder), advice="See 'edoc show'.")
            return state in goals

        self._until(reached)
        self._show_news()
        return State(clerk.find(node, document).state)

    def _until(self, condition: Callable[[], bool]) -> None:
        moved, seen = time.monotonic(), dict(self._seen)
        while not condition():
            self.check_servants()
            if seen != self._seen:
                moved, seen = time.monotonic(), dict(self._seen)
            self._require_progress(time.monotonic() - moved)
            time.sleep(_POLL_SECONDS)

    def _require_progress(self, idle: float) -> None:
        """Say what holds the journey up, if something does, instead of waiting for ever."""
        folder = self.a.folder.parent
        if idle < _QUIET_SECONDS:
            return
        if shutil.disk_usage(folder).free < _ROOM_BYTES:
            raise Unavailable("the disk is full; nothing is half done.", where=str(folder), advice=_GO_ON)
        errors = [
            task.error
            for node in (self.a, self.b)
            for row in clerk.documents(node)
            for task in clerk.trouble(node, row.id)
        ]
        if errors:
            raise Unavailable(errors[0], where=str(folder), advice=_GO_ON)
        if idle > _PATIENCE_SECONDS:
            raise Unavailable(
                f"nothing has moved for {_PATIENCE_SECONDS} seconds.",
                where=str(folder),
                advice=f"See a/worker.log and b/worker.log there. {_GO_ON}",
            )

    def _arrived(self, document_id: str) -> list[Any]:
        return [
            row for row in clerk.documents(self.b, direction="incoming") if row.document_id == document_id
        ]

    def _why(self, node: Node, document: str) -> str:
        reasons = [row.error for row in clerk.trouble(node, document)]
        for entry in clerk.story(node, document):
            reasons += entry.details.get("reasons", []) if entry.event == "refuse" else []
            reasons += [entry.details["reason"]] if entry.event == "void" else []
        return " ".join(reasons) or "the document cannot go on."

    def _show_news(self) -> None:
        for side, node in (("a", self.a), ("b", self.b)):
            for row in clerk.documents(node):
                for entry in clerk.story(node, row.id, after=self._seen.get(side, 0)):
                    vietnamese, english = self._words(entry.event)
                    self.screen.show(side, vietnamese, english, _detail(entry.details))
                    self._seen[side] = entry.seq

    def _words(self, event: str) -> tuple[str, str]:
        if self.over_axis and event in _OVER_AXIS:
            return _OVER_AXIS[event]
        return _WORDS.get(event, (event, ""))


def _detail(details: Mapping[str, Any]) -> str:
    """What was written where, as far as the audit entry says it."""
    shown = {name: value for name, value in details.items() if value}
    return json.dumps(shown, ensure_ascii=False)[1:-1].replace('"', "") if shown else ""

"""A recipient that answers every package with "completed" (06) the moment it arrives, at next to no cost.

python -m benchmarks.recipient MAILBOX RECIPIENT SENDER
"""

import io
import re
import sys
import tempfile
import time
import uuid
from datetime import date, datetime
from pathlib import Path
from typing import Final

from edoc.core.dispatch import Organization, ResponseFor, StatusUpdate
from edoc.core.zone import VIETNAM
from edoc.node.mailbox import Mailbox
from edoc.packing import pack_status

_ID: Final = re.compile(rb"<edXML:DocumentId>([^<]+)</edXML:DocumentId>")
_PLACE: Final = "DOCUMENT-ID"
_HEAD: Final = 16_384
_PAUSE: Final = 0.02


def main() -> None:
    """Answer until killed."""
    folder, recipient, sender = sys.argv[1:]
    mailbox = Mailbox(Path(folder), recipient)
    template = _make_answer(recipient, sender)
    while True:
        waiting = mailbox.waiting()
        for parcel in waiting:
            with mailbox.open(parcel) as package:
                found = _ID.search(package.read(_HEAD))
            mailbox.acknowledge(parcel)
            if found is None:
                raise SystemExit(f"no DocumentId in {parcel.message_id}")
            answer = template.replace(_PLACE.encode(), found[1])
            mailbox.send(to=sender, message_id=str(uuid.uuid4()), source=io.BytesIO(answer))
        if not waiting:
            time.sleep(_PAUSE)


def _make_answer(recipient: str, sender: str) -> bytes:
    status = StatusUpdate(
        from_=Organization(organ_id=recipient, organ_name="Bench"),
        response_for=ResponseFor(
            organ_id=sender, code="1/UBND-VP", document_id=_PLACE, promulgation_date=date(2026, 1, 2)
        ),
        status_code="06",
        description="Đã hoàn thành xử lý",
        timestamp=datetime(2026, 1, 2, 8, tzinfo=VIETNAM),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "status.edxml"
        pack_status(status, out=path)
        return path.read_bytes()


if __name__ == "__main__":
    main()

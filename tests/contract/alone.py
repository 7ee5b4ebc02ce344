"""One node of agency A, which shares its mailbox with nobody."""

from pathlib import Path

from edoc.demo.nodes import Backing, by_mailbox, make_node
from edoc.demo.play import SAMPLES
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.profiles import AGENCIES


def make_alone(folder: Path, pki: DevPki, backing: Backing | None = None) -> Path:
    """Make it in a folder of its own below `folder`; by default on SQLite and folders."""
    return make_node(
        folder / "a",
        agency=AGENCIES[0],
        pki=pki.folder,
        seal_image=SAMPLES / "seal-a.png",
        transport=by_mailbox(folder / "mailbox")(AGENCIES[0]),
        tsa="http://127.0.0.1:9/tsa",
        backing=backing or Backing(),
    )

"""Put validation data into a PDF: the document security store (ISO 32000-2, 12.8.4.3; EN 319 142-1, 5.4)."""

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic

from edoc.pdf.document import Document
from edoc.pdf.objects import convert, deflated, dictionary, items, look
from edoc.pdf.update import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What proves later that certificates were good: everything DER, each once."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()


def add_evidence(document: Document, evidence: Evidence) -> Revision | None:
    """Add what the document's store does not hold yet; None if it holds all."""
    seed = hashlib.sha256(b"".join((*evidence.certificates, *evidence.crls, *evidence.ocsps))).hexdigest()
    revision = document.extend(f"evidence {seed}")
    store = look(revision.root, "/DSS")
    lists = {"/Certs": evidence.certificates, "/CRLs": evidence.crls, "/OCSPs": evidence.ocsps}
    missing = {key: _find_missing(store, key, values) for key, values in lists.items()}
    if not any(missing.values()):
        return None
    store = _ensure_store(revision)
    for key, values in missing.items():
        if values:
            _append(revision, store, key, values)
    return revision


def _find_missing(store: Any, key: str, values: Iterable[bytes]) -> list[bytes]:
    listed = look(store, key) if isinstance(store, generic.DictionaryObject) else None
    held = {item.data for item in items(listed) if isinstance(item, generic.StreamObject)}
    return [value for value in values if value not in held]


def _ensure_store(revision: Revision) -> generic.DictionaryObject:
    root = revision.root
    if "/DSS" not in root:
        # An object of its own, so that a later addition leaves the catalogue alone.
        root["/DSS"] = revision.add_object(dictionary({}))
        revision.mark(root)
    return revision.ensure(root, "/DSS")


def _append(revision: Revision, store: generic.DictionaryObject, key: str, values: Iterable[bytes]) -> None:
    added = [
        revision.add_object(deflated({"Filter": "/FlateDecode"}, zlib.compress(value))) for value in values
    ]
    listed = look(store, key)
    if isinstance(listed, generic.ArrayObject):
        listed.extend(added)
        revision.mark(listed)
    else:
        store[key] = convert(added)
        revision.mark(store)

"""The same hub on SQLite with a directory, and on PostgreSQL with an S3 store; and what a bad disk costs."""

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hubpeers import Member, document, join, send
from rawcalls import RawCall
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from edoc.axis.wire import MessageType, Transfer
from edoc.demo.hub import HubServer
from edoc.errors import EdocError, SettingsError
from edoc.hub import hub as hubs
from edoc.hub import tables as t
from edoc.hub.hub import Hub
from edoc.hub.settings import FILE_NAME


def write_settings(database: str, s3: dict[str, Any]) -> str:
    """The settings of a hub on real services."""
    sections = {"database": {"url": database}, "objects": {"kind": "s3", **s3}}
    return "\n".join(
        f"[{name}]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
        for name, values in sections.items()
    )


@pytest.fixture(params=["embedded", "services"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HubServer]:
    settings = ""
    if request.param == "services":
        database = request.getfixturevalue("postgres_database")
        settings = write_settings(database, request.getfixturevalue("s3_bucket"))
    with HubServer(tmp_path / "hub", settings=settings) as server:
        yield server


def test_many_senders_of_the_same_package_at_once_get_one_id(place: HubServer) -> None:
    a, b = join(place), join(place)
    packages = [document(a, b) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda package: send(a, package, b), packages * 6))
    assert len(set(ids)) == len(packages)
    assert {row.doc_id for row in b.received()} == set(ids)
    assert {b.fetched(doc_id) for doc_id in set(ids)} == set(packages)
    with b.client() as client:
        for doc_id in set(ids):
            client.update_status(doc_id, Transfer.DONE)
        assert client.count_documents() == 0
    with a.client() as client:
        assert {row.receive_status for row in client.list_sent(MessageType.DOCUMENT)} == {"done"}


def test_the_audit_log_is_only_ever_added_to(place: HubServer) -> None:
    a, b = join(place), join(place)
    doc_id = send(a, document(a, b), b)
    with Hub.open(place.data) as hub:
        instead = "INSERT OR REPLACE INTO audit VALUES (1, '', '', '', '', '', '', '')"
        if hub.engine.dialect.name == "postgresql":
            instead = "TRUNCATE audit"
        for change in (update(t.audit).values(result="0"), delete(t.audit), text(instead)):
            with pytest.raises(DBAPIError, match="only ever added to"), hub.engine.begin() as connection:
                connection.execute(change)
        with hub.reading() as connection:
            entries = connection.execute(t.audit.select().where(t.audit.c.subject == doc_id)).all()
    assert [(entry.system, entry.operation, entry.result) for entry in entries] == [(a.code, "sendEdoc", "0")]
    assert entries[0].address == "127.0.0.1"


def test_a_package_damaged_on_the_disk_never_comes_out_whole(a: Member, b: Member, hub: HubServer) -> None:
    for size in (100, 3_000_000):
        doc_id = send(a, document(a, b, content="x" * min(size, 400_000), to_places=["y" * size]), b)
        with Hub.open(hub.data) as opened, opened.reading() as connection:
            query = t.messages.select().where(t.messages.c.doc_id == doc_id)
            sha256 = connection.execute(query).one().sha256
        path = hub.data / "objects" / sha256[:2] / sha256
        path.chmod(0o644)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with b.client() as client:
            for act in (client.download, client.get):
                with pytest.raises(EdocError):
                    act(doc_id, io.BytesIO())


def test_a_package_that_is_gone_from_the_disk_is_told_in_words(a: Member, b: Member, hub: HubServer) -> None:
    doc_id = send(a, document(a, b), b)
    for path in (hub.data / "objects").glob("[0-9a-f][0-9a-f]/*"):
        path.unlink()
    reply = RawCall(b, "getEdoc", (("docId", doc_id),), b"{}").make().reply
    assert (reply["ErrorCode"], reply["data"]) == ("20", "")
    assert str(hub.data) not in reply["ErrorDesc"]


def test_a_hub_whose_database_was_not_prepared_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="edoc hub init"), Hub.open(tmp_path):
        pass
    hubs.migrate(tmp_path)
    hubs.migrate(tmp_path)
    with Hub.open(tmp_path / FILE_NAME) as hub:
        assert hub.folder == tmp_path

"""A seal is revoked in the middle of the work: the CA's present word counts, not a CRL that lies at hand."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pairing import Pair, do_step, open_pair, work
from sqlalchemy import select

from edoc.core.chain import CertificateKind
from edoc.demo.server import HOST, free_port
from edoc.devpki.hierarchy import DevPki, make, revoke
from edoc.devpki.server import serving
from edoc.errors import Refused, Unavailable
from edoc.keys.loading import load_key
from edoc.node import clerk, tasks
from edoc.node import tables as t
from edoc.signing import check_certificate
from edoc.signing.online import Online
from edoc.trust.revocation import Freshness
from edoc.trust.store import Trust


@dataclass
class Ca:
    """A CA whose OCSP responder and CRLs are where its certificates say, for as long as it serves."""

    pki: DevPki
    port: int
    stack: ExitStack

    def serve(self) -> None:
        self.stack.enter_context(serving(self.pki, port=self.port))

    def revoke_seal(self) -> None:
        now = datetime.now(UTC)
        revoke(self.pki, "a-seal", at=now, now=now)


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[Ca]:
    port = free_port()
    pki = make(tmp_path / "pki", now=datetime.now(UTC), base_url=f"http://{HOST}:{port}")
    with ExitStack() as stack:
        yield Ca(pki=pki, port=port, stack=stack)


@pytest.fixture
def pair(ca: Ca, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setenv("EDOC_ONLINE__FRESH_MINUTES", "0.0001")
    with open_pair(tmp_path, ca.pki) as both:
        yield both


def check(ca: Ca, trust: Trust, *, ask_after: timedelta, at_most: timedelta, later: timedelta) -> None:
    """Ask whether A's seal may be used at a moment that lies so much later than now."""
    at = datetime.now(UTC) + later
    freshness = Freshness(ask_after=ask_after, at_most=at_most)
    with Online(freshness=freshness, now=lambda: at) as online:
        check_certificate(
            load_key(ca.pki.key_path("a-seal"), passphrase=ca.pki.passphrase),
            kind=CertificateKind.AGENCY,
            trust=trust,
            at=at,
            fetcher=online.fetcher,
            freshness=online.freshness,
        )


def test_a_seal_revoked_after_the_node_started_gives_no_number_and_seals_nothing(ca: Ca, pair: Pair) -> None:
    ca.serve()
    pair.submit()
    pair.settle()
    ca.revoke_seal()
    document = pair.submit(subject="V/v sau khi thu hồi")
    for _ in range(3):
        work(pair.a)
    told = [entry.event for entry in clerk.story(pair.a, document)]
    assert "number" not in told
    assert "seal" not in told
    with pair.a.journal.reading() as connection:
        query = select(t.tasks.c.error).where(t.tasks.c.document == document)
        assert any("is revoked" in (error or "") for error in connection.execute(query).scalars())
    assert not list(tasks.due(pair.a.journal))


def test_a_seal_revoked_between_number_and_seal_voids_the_number(ca: Ca, pair: Pair) -> None:
    ca.serve()
    document = pair.submit()
    (task,) = tasks.due(pair.a.journal)
    claim = tasks.claim(pair.a.journal, task, lease_seconds=60, max_starts=9)
    assert claim is not None
    do_step(pair.a, claim)
    assert pair.state(document) == "numbered"
    ca.revoke_seal()
    do_step(pair.a, claim.then[0])
    assert pair.state(document) == "voided"


def test_what_is_new_enough_spares_the_question_and_what_is_older_does_not(ca: Ca) -> None:
    ca.serve()
    trust = Trust.load(ca.pki.trust_path)
    ca.revoke_seal()
    hour = timedelta(hours=1)
    check(ca, trust, ask_after=2 * hour, at_most=2 * hour, later=timedelta(0))
    with pytest.raises(Refused, match="is revoked"):
        check(ca, trust, ask_after=timedelta(microseconds=1), at_most=2 * hour, later=timedelta(seconds=2))


def test_while_no_ca_answers_the_seal_is_used_until_what_is_known_is_too_old(ca: Ca) -> None:
    trust = Trust.load(ca.pki.trust_path)
    minute, day = timedelta(minutes=5), timedelta(days=1)
    check(ca, trust, ask_after=minute, at_most=day, later=timedelta(hours=20))
    with pytest.raises(Unavailable, match="cannot be found out now"):
        check(ca, trust, ask_after=minute, at_most=day, later=timedelta(hours=26))

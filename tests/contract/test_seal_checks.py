"""The seal's certificate is asked about again and again: a stolen key must not seal until the next CRL."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pairing import Pair, open_pair, work

from edoc.core.lifecycle import State, Work
from edoc.demo.server import HOST, free_port
from edoc.devpki.hierarchy import DevPki, make, revoke
from edoc.devpki.profiles import AGENCIES
from edoc.devpki.server import serving
from edoc.node import clerk, steps


class Outside:
    """A PKI whose certificates name the address at which it is served."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._stack = ExitStack()
        self.pki: DevPki = make(folder, now=datetime.now(UTC), base_url=f"http://{HOST}:{self._port}")

    def start(self) -> None:
        self._stack.enter_context(serving(self.pki, port=self._port))

    def stop(self) -> None:
        self._stack.close()

    def revoke_seal(self) -> None:
        now = datetime.now(UTC)
        revoke(self.pki, AGENCIES[0].seal_name, at=now, now=now)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    there = Outside(tmp_path / "pki")
    there.start()
    yield there
    there.stop()


@pytest.fixture
def pair(tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setenv("EDOC_SEAL__LEVEL", "B-B")
    monkeypatch.setenv("EDOC_SEAL__RECHECK_SECONDS", "0")
    with open_pair(tmp_path, outside.pki) as opened:
        yield opened


def test_a_seal_that_was_revoked_gives_no_number_although_the_crl_at_hand_is_current(
    pair: Pair, outside: Outside
) -> None:
    outside.revoke_seal()
    document = pair.submit()
    work(pair.a)
    assert pair.state(document) == State.SIGNED
    (trouble,) = clerk.trouble(pair.a, document)
    assert trouble.dead_at is not None
    assert "is revoked" in trouble.error


def test_a_seal_that_is_revoked_after_numbering_voids_the_number(pair: Pair, outside: Outside) -> None:
    document = pair.submit()
    steps.run_next(pair.a, kinds={Work.NUMBER})
    assert pair.state(document) == State.NUMBERED
    outside.revoke_seal()
    work(pair.a)
    assert pair.state(document) == State.VOIDED


def test_while_nobody_answers_the_crl_at_hand_serves(pair: Pair, outside: Outside) -> None:
    outside.stop()
    document = pair.submit()
    work(pair.a)
    assert pair.state(document) == State.SENT


def test_an_answer_counts_for_as_long_as_the_settings_say(
    pair: Pair, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = pair.a.settings.seal.model_copy(update={"recheck_seconds": 600})
    monkeypatch.setattr(pair.a, "settings", pair.a.settings.model_copy(update={"seal": seal}))
    first = pair.submit()
    work(pair.a)
    outside.revoke_seal()
    second = pair.submit(subject="Văn bản thứ hai")
    work(pair.a)
    assert [pair.state(each) for each in (first, second)] == [State.SENT, State.SENT]
    pair.a.seal_checked_at -= 601
    third = pair.submit(subject="Văn bản thứ ba")
    work(pair.a)
    assert pair.state(third) == State.SIGNED

"""Documents wait for a person's key; a desk picks the digest up and hands the signature in."""

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from acting import Run
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from queueing import Office, make_office
from sqlalchemy import select, update

from edoc.core.lifecycle import Event, State, Work
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.errors import EdocError, InputError, NotVerified, Refused
from edoc.node import clerk, duties, orphans, reservations, signingdesk, signingqueue, steps
from edoc.node import tables as t
from edoc.node.journal import verify_chain
from edoc.node.node import Node
from edoc.node.recent import Recent
from edoc.node.scratch import fetch, file_of
from edoc.node.signingqueue import Signer
from edoc.verification import verify

KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def office(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Office]:
    sqlite = request.param == "sqlite"
    url = "sqlite:///node.db" if sqlite else request.getfixturevalue("postgres_database")
    with Node.open(make_office(tmp_path, pki, url)) as node:
        yield Office(node=node, pki=pki, ready=tmp_path / "ready.pdf")


embedded = pytest.mark.parametrize("office", ["sqlite"], indirect=True)


def test_a_document_waits_is_signed_elsewhere_and_is_numbered(office: Office) -> None:
    document = office.submit()
    assert office.state(document) == State.DRAFTED
    assert steps.run_next(office.node) is None, "nothing is done before the person has signed"
    (request,) = office.waiting()
    offer = office.take(request)
    assert offer.subject == draft_for(SAMPLE_PDF)["subject"]
    assert office.hand_in(offer) == document
    assert office.state(document) == State.SIGNED
    assert office.waiting() == []
    steps.run_next(office.node, kinds={Work.NUMBER})
    assert office.state(document) == State.NUMBERED
    assert office.events(document) == ["submit", "queue", "take", "sign", "number"]
    with office.node.journal.reading() as connection:
        assert verify_chain(connection) == []
    assert orphans.find_orphans(office.node) == []


def test_the_signed_file_passes_and_is_what_was_submitted_and_a_signature(office: Office) -> None:
    document = office.submit()
    office.hand_in(office.take(office.only()))
    with office.node.journal.reading() as connection:
        signed = file_of(connection, document, "signed")
    assert signed.name == office.ready.name
    copy = fetch(office.node, signed.sha256, office.ready.with_name("signed.pdf"))
    report = verify(copy, trust=office.node.trust, offline=True)
    report.require()
    assert [each.field for each in report.files[0].signatures] == ["Person"]
    assert copy.read_bytes().startswith(office.ready.read_bytes())


def test_after_the_signature_it_goes_the_ordinary_way(tmp_path: Path, pki: DevPki) -> None:
    (tmp_path / "sealing").mkdir()
    with serving(pki) as url:
        folder = make_office(tmp_path / "sealing", pki, "sqlite:///node.db", f"{url}/tsa")
        with Node.open(folder) as node:
            office = Office(node=node, pki=pki, ready=folder.parent / "ready.pdf")
            document = office.submit(Signer(person=office.name("a-person1"), level="B-T"))
            office.hand_in(office.take(office.only(), image=SAMPLES / "signature-a.png"))
            while steps.run_next(node):
                pass
            assert office.state(document) == State.PACKED  # nobody shares this mailbox
            with node.journal.reading() as connection:
                sealed = file_of(connection, document, "sealed")
            copy = fetch(node, sealed.sha256, tmp_path / "sealed.pdf")
            report = verify(copy, trust=node.trust, offline=True, rule="nd30")
            report.require()
            assert [str(each.level) for each in report.files[0].signatures] == ["PAdES-B-T", "PAdES-B-T"]


def test_several_sign_one_after_the_other(office: Office) -> None:
    names = [office.name(key) for key in ("a-person1", "a-person2")]
    document = office.submit(*(Signer(person=name) for name in names))
    first, second = office.waiting(everything=True)
    assert office.waiting() == [first]
    with pytest.raises(Refused, match=f"somebody else must sign the document first \\(request {first}\\)"):
        office.take(second, "a-person2")
    office.hand_in(office.take(first))
    assert (office.state(document), office.waiting()) == (State.DRAFTED, [second])
    office.hand_in(office.take(second, "a-person2"), "a-person2")
    assert office.state(document) == State.SIGNED
    with office.node.journal.reading() as connection:
        signed = file_of(connection, document, "signed")
    copy = fetch(office.node, signed.sha256, office.ready.with_name("signed.pdf"))
    report = verify(copy, trust=office.node.trust, offline=True)
    report.require()
    assert [each.signer and each.signer.common_name for each in report.files[0].signatures] == names


def test_handing_in_twice_gives_the_same_answer_and_changes_nothing(office: Office) -> None:
    document = office.submit()
    offer = office.take(office.only())
    value = office.value(offer)
    with ThreadPoolExecutor(3) as pool:
        doing = [
            pool.submit(signingdesk.hand_in, office.node, offer.request, value, actor="desk")
            for _ in range(3)
        ]
        assert {each.result() for each in doing} == {document}
    assert signingdesk.hand_in(office.node, offer.request, value, actor="desk") == document
    assert office.events(document).count("sign") == 1
    with pytest.raises(Refused, match="signed already"):
        signingdesk.hand_in(office.node, offer.request, value[::-1], actor="desk")


def test_what_somebody_holds_nobody_else_takes_until_the_lease_ends(office: Office) -> None:
    office.submit()
    (request,) = office.waiting()
    offer = office.take(request, actor="desk 1")
    assert office.take(request, actor="desk 1").to_dict() == offer.to_dict()
    with pytest.raises(Refused, match="desk 1 holds it until"):
        office.take(request, actor="desk 2")
    (told,) = signingqueue.list_requests(office.node)
    assert (told["state"], told["taken_by"]) == ("taken", "desk 1")


@embedded
def test_who_was_overtaken_cannot_hand_in_and_who_was_only_late_can(office: Office) -> None:
    document = office.submit()
    (request,) = office.waiting()
    late = office.take(request, actor="desk 1", lease=timedelta(0))
    clock = office.node.journal.clock
    office.node.journal.clock = lambda: clock() + timedelta(seconds=2)
    newer = office.take(request, actor="desk 2", lease=timedelta(0))
    with pytest.raises(Refused, match="desk 2 took it over"):
        office.hand_in(late, actor="desk 1")
    assert office.state(document) == State.DRAFTED
    assert office.hand_in(newer, actor="desk 2") == document


@embedded
@pytest.mark.parametrize(
    ("spoil", "saying"),
    [
        (lambda value: value[::-1], "does not verify"),
        (lambda value: value[:-1], "does not verify"),
        (lambda _: b"", "1 to 4096 bytes"),
        (lambda value: value * 100, "1 to 4096 bytes"),
    ],
)
def test_a_wrong_signature_is_refused_and_the_right_one_still_counts(
    office: Office, spoil: Callable[[bytes], bytes], saying: str
) -> None:
    document = office.submit()
    offer = office.take(office.only())
    with pytest.raises(EdocError, match=saying):
        signingdesk.hand_in(office.node, offer.request, spoil(office.value(offer)), actor="desk")
    assert (office.state(document), office.events(document)[-1]) == (State.DRAFTED, "take")
    assert office.hand_in(offer) == document


@embedded
def test_a_signature_by_another_key_is_refused(office: Office) -> None:
    office.submit()
    offer = office.take(office.only())
    with pytest.raises(Refused, match="does not verify"):
        office.hand_in(offer, "a-person2")


@embedded
@pytest.mark.parametrize(
    ("key", "saying"),
    [("a-person2", "must sign, and this is the certificate of"), ("a-seal", "of the kind agency")],
)
def test_only_who_must_sign_can_take_it(office: Office, key: str, saying: str) -> None:
    office.submit()
    (request,) = office.waiting()
    with pytest.raises(EdocError, match=saying):
        office.take(request, key)


@embedded
def test_a_certain_certificate_can_be_wanted_and_then_need_not_be_named(office: Office) -> None:
    token = office.key("a-person1")
    document = office.submit(Signer(certificate=token.certificate))
    (request,) = office.waiting()
    with pytest.raises(Refused, match="another certificate must sign"):
        office.take(request, "a-person2")
    office.hand_in(signingdesk.take(office.node, request, actor="desk"))
    assert office.state(document) == State.SIGNED


@embedded
def test_who_is_only_named_must_show_a_certificate(office: Office) -> None:
    office.submit()
    (request,) = office.waiting()
    with pytest.raises(InputError, match=r"certificate of .* is needed"):
        signingdesk.take(office.node, request, actor="desk")


@embedded
def test_a_document_that_was_changed_in_the_store_is_not_signed(office: Office, tmp_path: Path) -> None:
    document = office.submit()
    offer = office.take(office.only())
    office.node.recent = Recent()  # this process remembers what it stored
    stored = tmp_path / "a/objects" / offer.source_sha256[:2] / offer.source_sha256
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes().replace(b"/Type", b"/Typo", 1))
    with pytest.raises(EdocError, match="damaged"):
        office.hand_in(offer)
    assert office.state(document) == State.DRAFTED


@embedded
def test_a_state_that_was_exchanged_is_not_completed(office: Office) -> None:
    """Who can write the database, but has no key, cannot put a signature under another document."""
    office.submit()
    offer = office.take(office.only())
    other = office.ready.with_name("other.pdf")
    other.write_bytes(office.ready.read_bytes() + b"\n% other\n")
    with other.open("rb") as content:
        stored = office.node.objects.put(content)
    with office.node.journal.engine.begin() as connection:
        connection.execute(update(t.files).where(t.files.c.role == "draft").values(sha256=stored.sha256))
    with pytest.raises(Refused, match="not the file that the signature was begun with"):
        office.hand_in(offer)


@embedded
def test_a_certificate_that_ended_meanwhile_does_not_sign(office: Office) -> None:
    document = office.submit()
    offer = office.take(office.only())
    node = office.node
    clock = node.journal.clock
    node.journal.clock = lambda: clock() + timedelta(days=365 * 40)  # nobody's certificate lasts so long
    with office.node.journal.engine.begin() as connection:
        connection.execute(update(t.signing_requests).values(expires_at="2999-01-01"))
    with pytest.raises(NotVerified, match="does not pass"):
        office.hand_in(offer)
    node.journal.clock = clock
    assert office.state(document) == State.DRAFTED
    assert office.hand_in(offer) == document


def test_a_refused_document_ends_with_its_reason_and_may_come_again(office: Office) -> None:
    with office.node.journal.transaction(actor="vanthu") as tx:
        (number,) = reservations.reserve(tx, series="VB-DI", direction="outgoing", purpose="Họp")
    document = office.submit(number=number)
    (request,) = office.waiting()
    offer = office.take(request)
    with pytest.raises(InputError, match="write why"):
        signingqueue.refuse(office.node, request, reason=" ", actor="desk")
    signingqueue.refuse(office.node, request, reason="Sai thẩm quyền ký", actor="desk")
    assert office.state(document) == State.VOIDED
    entry = clerk.story(office.node, document)[-1]
    assert (entry.event, entry.actor, entry.details["reasons"]) == ("refuse", "desk", ["Sai thẩm quyền ký"])
    with office.node.journal.reading() as connection:
        reason = connection.execute(select(t.register_entries.c.void_reason)).scalar_one()
    assert reason == "Sai thẩm quyền ký"
    with pytest.raises(Refused, match="nothing left to sign"):
        office.hand_in(offer)
    again = office.submit()
    assert again != document
    assert office.state(again) == State.DRAFTED


def test_a_document_that_was_recalled_is_not_signed(office: Office) -> None:
    document = office.submit()
    offer = office.take(office.only())
    with office.node.journal.transaction(actor="vanthu") as tx:
        tx.advance(document, Event.RECALL)
    with pytest.raises(Refused, match="nothing left to sign"):
        office.hand_in(offer)
    assert office.waiting() == []


def test_what_nobody_signs_in_time_ends(office: Office) -> None:
    document = office.submit(Signer(person="Nguyễn Văn A"), Signer(person="Trần Thị B"))
    first, _ = office.waiting(everything=True)
    with office.node.journal.engine.begin() as connection:
        connection.execute(update(t.signing_requests).values(expires_at="2020-01-01T00:00:00.000000+00:00"))
    assert office.waiting() == []
    with pytest.raises(Refused, match="to be signed until"):
        office.take(first)
    assert "signing-queue" in duties.perform_due(office.node)
    assert office.state(document) == State.VOIDED
    assert signingqueue.expire(office.node) == []
    states = [each["state"] for each in signingqueue.list_requests(office.node, everything=True)]
    assert states == ["ended", "ended"]


@embedded
def test_the_same_document_waits_only_once_and_one_that_is_out_of_time_not_at_all(office: Office) -> None:
    assert office.submit() == office.submit()
    assert len(office.waiting(everything=True)) == 1
    office.ready.write_bytes(office.ready.read_bytes() + b"\n% another\n")
    now = office.node.journal.clock()
    with pytest.raises(InputError, match="is over"):
        office.submit(expires_at=now - timedelta(days=1))
    assert len(office.waiting(everything=True)) == 1


@embedded
@pytest.mark.parametrize(
    ("signers", "saying"),
    [
        ((Signer(),), "either by a person's name or by a certificate"),
        ((Signer(person="A", role="agency"),), "the node makes seals itself"),
        ((Signer(person="A", role="nobody"),), "nobody"),
        ((Signer(person="A", level="B-X"),), "B-LTA"),
        ((Signer(certificate=b"none"),), "certificate"),
        ((Signer(person="A"),) * 17, "one to 16"),
    ],
)
def test_who_cannot_sign_is_refused_at_the_door(
    office: Office, signers: tuple[Signer, ...], saying: str
) -> None:
    with pytest.raises(InputError, match=saying):
        office.submit(*signers)
    assert clerk.documents(office.node) == []


@embedded
def test_a_name_counts_however_its_letters_are_composed(office: Office) -> None:
    name = office.name("a-person1")
    office.submit(Signer(person=name.upper()))
    assert office.waiting(person=name) == office.waiting()
    assert office.waiting(person="Ai khác") == []
    office.take(office.only())


@embedded
def test_nothing_that_is_kept_or_printed_holds_a_secret(office: Office) -> None:
    office.submit()
    offer = office.take(office.only())
    office.hand_in(offer)
    with office.node.objects.open(office_state(office)) as content:
        assert b"PRIVATE" not in content.read()
    assert "PRIVATE" not in json.dumps(offer.to_dict())


def office_state(office: Office) -> str:
    with office.node.journal.reading() as connection:
        return str(connection.execute(select(t.signing_claims.c.sha256)).scalar_one())


@embedded
def test_a_desk_does_all_of_it_at_the_command_line(office: Office, run: Run, tmp_path: Path) -> None:
    def edoc(*words: str | Path) -> Any:
        done = run("queue", *words, "--node", office.node.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "draft.json").write_text(json.dumps(draft_for(SAMPLE_PDF)), encoding="utf-8")
    token = office.key("a-person1")
    certificate = x509.load_der_x509_certificate(token.certificate)
    (tmp_path / "person.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    wanted = ("--person", office.name("a-person1"), "--until", "2999-12-31")
    document = edoc("submit", tmp_path / "draft.json", "--attach", office.ready, *wanted).strip()
    (told,) = json.loads(edoc("list", "--json"))
    assert (told["document"], told["state"]) == (document, "open")
    assert office.name("a-person1").split()[0] in edoc("list")
    request = str(told["request"])
    taken = json.loads(
        edoc("take", request, "--certificate", tmp_path / "person.pem", "--pdf", tmp_path / "read-me.pdf")
    )
    assert (tmp_path / "read-me.pdf").read_bytes() == office.ready.read_bytes()
    value = token.sign(base64.b64decode(taken["to_be_signed"]), digest=taken["digest_algorithm"])
    (tmp_path / "value.txt").write_bytes(base64.encodebytes(value))
    assert edoc("hand-in", request, tmp_path / "value.txt").strip() == document
    (tmp_path / "value.bin").write_bytes(value)
    assert json.loads(edoc("hand-in", request, tmp_path / "value.bin", "--json")) == {"id": document}
    assert office.state(document) == State.SIGNED
    done = run("queue", "refuse", request, "--reason", "x", "--node", office.node.folder)
    assert done.returncode == 1
    assert "signed already" in done.stderr
    assert "Traceback" not in done.stderr

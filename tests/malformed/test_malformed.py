"""Whatever comes in ends in a signed file, an error or a report; `./dev fuzz` does the same for long."""

import io
import zlib
from collections import Counter
from pathlib import Path

import doubting
import pytest
from fuzzing import make_signed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutating import run_many

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.errors import EdocError
from edoc.keys.loading import load_key
from edoc.signing import sign

SAMPLE = Path(__file__).resolve().parents[2] / "samples/cong-van.pdf"
SHARE = 400
"""Runs of each kind here; the long job has at least 20,000."""


@pytest.fixture(scope="module")
def key(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)


def tell(pki: DevPki, files: list[Path]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for outcome in run_many(pki.folder, files, seed=7, runs=SHARE):
        assert [finding for finding, _ in outcome.findings] == []
        counts += outcome.counts
    return counts


@pytest.mark.shared
def test_broken_files_of_others_are_signed_rightly_or_refused(pki: DevPki, shared_corpus: Path) -> None:
    counts = tell(pki, sorted((shared_corpus / "pdf").glob("*.pdf")))
    assert counts.total() == SHARE
    assert counts["signed"] > SHARE / 10
    assert counts["PdfError"] > SHARE / 10


def test_broken_files_of_ours_are_signed_rightly_or_refused(pki: DevPki) -> None:
    assert tell(pki, [SAMPLE])["signed"] > SHARE / 10


def doubt(pki: DevPki, files: list[Path], *, runs: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    for outcome in doubting.run_many(pki.trust_path, files, seed=3, runs=runs):
        assert [finding for finding, _ in outcome.findings] == []
        counts += outcome.counts
    return counts


@pytest.mark.shared
def test_broken_signed_files_of_others_end_in_a_report(pki: DevPki, shared_corpus: Path) -> None:
    counts = doubt(pki, sorted((shared_corpus / "pdf").glob("*.pdf")), runs=2 * SHARE)
    assert counts.total() == 2 * SHARE
    assert counts["TOTAL_FAILED"] > SHARE / 2


def test_broken_signed_files_of_ours_end_in_a_report(pki: DevPki, tmp_path: Path) -> None:
    counts = doubt(pki, make_signed(pki, tmp_path), runs=SHARE)
    assert counts["TOTAL_FAILED"] > SHARE / 4


def attempt(data: bytes, key: SigningKey) -> bool:
    try:
        sign(io.BytesIO(data), io.BytesIO(), key=key, role="system", checks="none")
    except EdocError:
        return False
    return True


@settings(max_examples=200, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400))
def test_bytes_of_any_kind_are_no_document(data: bytes, key: SigningKey) -> None:
    assert not attempt(data, key)
    assert not attempt(b"%PDF-1.7\n" + data, key)


OBJECTS = st.recursive(
    st.sampled_from(
        [
            "null",
            "true",
            "0",
            "-1",
            "1.5",
            "/Page",
            "/Pages",
            "(x)",
            "<00>",
            "1 0 R",
            "2 0 R",
            "3 0 R",
            "9 0 R",
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{' '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(
                ["/Type", "/Kids", "/Count", "/Pages", "/Annots", "/AcroForm", "/Fields", "/T", "/FT"]
            ),
            inner,
            max_size=5,
        ).map(lambda entries: "<<" + " ".join(f"{key} {value}" for key, value in entries.items()) + ">>"),
    ),
    max_leaves=12,
)


def assemble(bodies: list[str]) -> bytes:
    data, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode()
    start = len(data)
    rows = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    head = f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{rows}"
    tail = f"trailer\n<</Root 1 0 R /Size {len(bodies) + 1}>>\nstartxref\n{start}\n%%EOF\n"
    return data + head.encode() + tail.encode()


@settings(max_examples=300, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pages=OBJECTS, page=OBJECTS, form=OBJECTS)
def test_sound_syntax_may_say_anything(pages: str, page: str, form: str, key: SigningKey) -> None:
    attempt(assemble(["<</Type /Catalog /Pages 2 0 R /AcroForm 4 0 R>>", pages, page, form]), key)
    tree = "<</Type /Pages /Kids [3 0 R] /Count 1>>"
    attempt(assemble([f"<</Type /Catalog /Pages 2 0 R /AcroForm {form}>>", tree, page]), key)


PAGE = "<</Type /Page /Parent 2 0 R /MediaBox [0 0 600 800]>>"
TREE = "<</Type /Pages /Kids [3 0 R] /Count 1>>"
CATALOG = "<</Type /Catalog /Pages 2 0 R>>"


@pytest.mark.parametrize(
    "bodies",
    [
        [CATALOG, "<</Type /Pages /Kids [2 0 R] /Count 1>>", PAGE],
        [CATALOG, "<</Type /Pages /Kids [3 0 R] /Count 99999999>>", PAGE],
        [CATALOG, "<</Type /Pages /Kids [3 0 R] /Count -1>>", PAGE],
        [CATALOG, TREE, "<</Type /Page /Parent 3 0 R>>", PAGE],
        ["<</Type /Catalog /Pages 1 0 R>>", TREE, PAGE],
        [CATALOG, TREE, "[" * 5000 + "]" * 5000],
        [CATALOG, TREE, "(" * 100_000],
        [CATALOG, TREE, "<<" + "/A " * 100_000 + ">>"],
        [
            "<</Type /Catalog /Pages 2 0 R /AcroForm <</Fields [4 0 R]>>>>",
            TREE,
            PAGE,
            "<</T (a) /Kids [4 0 R]>>",
        ],
    ],
    ids=["loop", "endless", "negative", "own parent", "no tree", "deep", "open", "long", "circular field"],
)
def test_structures_that_never_end_end_here(bodies: list[str], key: SigningKey) -> None:
    attempt(assemble(bodies), key)


def test_a_stream_that_inflates_to_a_gigabyte_is_not_inflated(key: SigningKey) -> None:
    bomb = zlib.compress(b"\x00" * (200 << 20), 9)
    data = b"%PDF-1.7\n"
    at = len(data)
    head = f"1 0 obj\n<</Type /XRef /W [1 4 2] /Size 9 /Root 2 0 R /Filter /FlateDecode /Length {len(bomb)}>>"
    data += f"{head}\nstream\n".encode() + bomb + f"\nendstream\nendobj\nstartxref\n{at}\n%%EOF\n".encode()
    assert not attempt(data, key)

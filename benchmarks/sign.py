"""Signing: `edoc.sign` against pyHanko, against RSA and SHA-256, and against copying a file."""

import datetime as dt
import gc
import hashlib
import io
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import pkcs12
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from benchmarks import peer
from benchmarks.measure import MIB, Row, compare_large, read_peak, reset_peak, time_in_turns
from edoc.core.chain import CertificateKind
from edoc.devpki.hierarchy import DevPki, make
from edoc.devpki.server import serving
from edoc.keys.loading import load_key
from edoc.pdf.pictures import load_picture
from edoc.roles.role import Role
from edoc.signing import Online, Tsa, sign
from edoc.trust.store import Trust

SAMPLES: Final = Path(__file__).resolve().parents[1] / "samples"
SMALL_BYTES: Final = 100_000
LARGE_BYTES: Final = 100 * MIB
BOX: Final = (300, 100, 500, 160)
TEXT: Final = "Ủy ban nhân dân tỉnh An Bình, {time}"
ROUNDS: Final = 24
BLOCK: Final = 20
"""Signatures in a row: a worker signs one after another."""


def make_pdf(size: int) -> bytes:
    """A PDF of two pages and about `size` bytes, the same each time."""
    output = io.BytesIO()
    page = canvas.Canvas(output, pageCompression=1, invariant=1)
    page.drawString(72, 760, "Quyet dinh")
    page.showPage()
    page.drawString(72, 760, "Phu luc")
    noise = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(size * 4 // 5 // 32 - 60))
    page.drawImage(ImageReader(_Noise(noise)), 72, 400, 100, 100)
    page.showPage()
    page.save()
    return output.getvalue()


class _Noise:
    """An image that cannot be compressed, in the shape that reportlab reads."""

    def __new__(cls, noise: bytes) -> Any:
        from PIL import Image

        width = 128
        height = len(noise) // (3 * width)
        return Image.frombytes("RGB", (width, height), noise[: 3 * width * height])


def run() -> Iterator[Row]:
    """Measure every row."""
    with tempfile.TemporaryDirectory() as folder:
        pki = make(Path(folder) / "pki", now=dt.datetime.now(dt.UTC))
        bench = _Bench(pki)
        yield from bench.compare_plain()
        yield bench.compare_visible()
        with serving(pki) as url:
            yield from bench.compare_levels(f"{url}/tsa")
        yield from _measure_large(pki, Path(folder))
        yield _measure_processes(pki)


class _Bench:
    def __init__(self, pki: DevPki) -> None:
        self._pki = pki
        self._key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
        content = pki.key_path("a-person1").read_bytes()
        bundle: Any = pkcs12.load_pkcs12(content, pki.passphrase.encode())
        self._private = bundle.key
        self._peer = peer.Signer(bundle.key, self._key.certificate, self._key.chain)
        self._pdf = make_pdf(SMALL_BYTES)
        self._at = dt.datetime.now(dt.UTC)
        self._trust = Trust.load(pki.trust_path)

    def _sign(self, **more: Any) -> bytes:
        output = io.BytesIO()
        sign(
            io.BytesIO(self._pdf),
            output,
            **{"key": self._key, "role": "system", "checks": "none", "at": self._at, **more},
        )
        return output.getvalue()

    def compare_plain(self) -> Iterator[Row]:
        """B-B, invisible."""

        def bare() -> None:
            self._key.sign(b"x" * 256, digest="sha256")
            hashlib.sha256(self._pdf).digest()

        ours, theirs, limit = time_in_turns(
            lambda: _drop(self._sign()),
            lambda: _drop(peer.sign(self._pdf, self._peer)),
            bare,
            rounds=ROUNDS // 2,
            block=BLOCK,
        )
        told = f"{ours * 1000:.2f} ms against {theirs * 1000:.1f} ms"
        yield Row(
            work="B-B, 100 KB, invisible: pyHanko's time",
            figure=theirs / ours,
            target=15,
            sense=">=",
            detail=told,
        )
        yield Row(
            work="the same: one RSA signature and one SHA-256",
            figure=ours / limit,
            target=5,
            sense="<=",
            detail=f"limit {limit * 1000:.2f} ms",
        )

    def compare_visible(self) -> Row:
        """B-B, visible, with an image and Vietnamese text."""
        role = Role(
            name="bench",
            title="",
            kind=CertificateKind.SYSTEM,
            new_field="Sig",
            place="person",
            lines=(TEXT,),
        )
        image = SAMPLES / "signature-a.png"
        load_picture(image)
        style = peer.make_style(image, TEXT.format(time="2026-03-05T10:20:30+07:00"))
        ours, theirs = time_in_turns(
            lambda: _drop(self._sign(role=role, image=image, agency="x", page=1, rect=BOX)),
            lambda: _drop(peer.sign(self._pdf, self._peer, style=style, box=BOX)),
            rounds=ROUNDS // 4,
            block=BLOCK,
        )
        return Row(
            work="B-B, visible, image and Vietnamese text: pyHanko's time",
            figure=theirs / ours,
            target=15,
            sense=">=",
            detail=f"{ours * 1000:.2f} ms against {theirs * 1000:.1f} ms",
        )

    def compare_levels(self, tsa: str) -> Iterator[Row]:
        """B-T and B-LT, the TSA's own time taken off on both sides."""
        stamper = peer.Stamper(tsa)
        context = peer.make_context(self._trust.roots, self._trust.intermediates, self._trust.crls)
        with Online(tsas=(Tsa(tsa),)) as online, _waiting(online) as waited:

            def ours(level: str) -> float:
                before = waited[0]
                self._sign(level=level, online=online, trust=self._trust, offline=True)
                return waited[0] - before

            def theirs(shared: Any) -> float:
                before = stamper.waited
                peer.sign(self._pdf, self._peer, stamper=stamper, context=shared)
                return stamper.waited - before

            for level, shared, target in (("B-T", None, 8), ("B-LT", context, 4)):
                mine, other = time_in_turns(
                    lambda level=level: ours(level),  # type: ignore[misc]
                    lambda shared=shared: theirs(shared),  # type: ignore[misc]
                    rounds=ROUNDS // 4,
                    block=BLOCK,
                )
                yield Row(
                    work=f"{level}, local TSA, its time excluded: pyHanko's time",
                    figure=other / mine,
                    target=target,
                    sense=">=",
                    detail=f"{mine * 1000:.2f} ms against {other * 1000:.1f} ms",
                )


@contextmanager
def _waiting(online: Online) -> Iterator[list[float]]:
    """How long requests to the TSA took, measured where they are sent."""
    http: Any = online._http  # noqa: SLF001 - the one place that knows
    send = http._connections.send  # noqa: SLF001
    waited = [0.0]

    def timed(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return send(*arguments, **options)
        finally:
            waited[0] += time.perf_counter() - start

    http._connections.send = timed  # noqa: SLF001
    try:
        yield waited
    finally:
        http._connections.send = send  # noqa: SLF001


def _drop(_: bytes) -> None:
    return None


def _measure_large(pki: DevPki, folder: Path) -> Iterator[Row]:
    source = folder / "large.pdf"
    source.write_bytes(make_large())
    other = "copying it durably and hashing it"
    yield from compare_large("benchmarks.sign", (pki.folder, source), other)


def make_large() -> bytes:
    """A PDF of 100 MB that cannot be compressed."""
    small = make_pdf(SMALL_BYTES)
    noise = os.urandom(LARGE_BYTES)
    import pikepdf

    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(small)) as pdf:
        pdf.Root.Noise = pdf.make_stream(noise)
        pdf.save(output, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return output.getvalue()


def _sign_large(folder: str, source: str) -> None:
    """In a process of its own: the time, and the memory over what it has after a small signature."""
    from edoc.devpki.hierarchy import open_pki

    pki = open_pki(Path(folder))
    key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    target = Path(source).with_name("signed.pdf")
    small = make_pdf(SMALL_BYTES)
    sign(io.BytesIO(small), io.BytesIO(), key=key, role="system", checks="none")
    gc.collect()
    reset_peak()
    idle = read_peak()

    def ours() -> None:
        sign(source, target, key=key, role="system", checks="none")

    ours()
    memory = read_peak() - idle

    def copying() -> None:
        temporary = target.with_suffix(".part")
        shutil.copyfile(source, temporary)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(target)
        with target.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")

    mine, other = time_in_turns(ours, copying, rounds=7, warm=1)
    sys.stdout.write(json.dumps({"ours": mine, "limit": other, "memory": memory}))


def _measure_processes(pki: DevPki) -> Row:
    ratios = []
    for _ in range(5):
        one, two = _count(pki, 1), _count(pki, 2)
        ratios.append(two / one)
    ratios.sort()
    return Row(
        work="two processes: one process's signatures a second",
        figure=ratios[2],
        target=1.7,
        sense=">=",
    )


def _count(pki: DevPki, processes: int) -> float:
    """Signatures a second of so many processes together."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    results: Any = context.Queue()
    workers = [
        context.Process(target=_work, args=(str(pki.folder), ready, results)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    ready.wait(60)
    rates = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    return float(sum(rates))


def _work(folder: str, ready: Any, results: Any) -> None:
    from edoc.devpki.hierarchy import open_pki

    pki = open_pki(Path(folder))
    key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    pdf = make_pdf(SMALL_BYTES)
    count = 600

    def one() -> None:
        sign(io.BytesIO(pdf), io.BytesIO(), key=key, role="system", checks="none")

    for _ in range(50):
        one()
    ready.wait(60)
    start = time.perf_counter()
    for _ in range(count):
        one()
    results.put(count / (time.perf_counter() - start))


if __name__ == "__main__":
    _sign_large(*sys.argv[1:])

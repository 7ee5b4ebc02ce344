"""CMS that somebody has tampered with: bits, lengths, structure, bombs; `dertwisting.py RUNS SEED` runs long.

Whatever comes in, reading it ends in facts or in a `ValueError`, soon and in little memory; and what protects
a signature (attributes, value, key, content) cannot change by one bit without breaking it.
"""

import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from cmsmaking import (
    CONTENT,
    ECDSA_SHA256,
    HASHES,
    OCTETS,
    STAMP,
    Signer,
    attribute,
    digest_of,
    identify,
    list_attributes,
    make_cms,
    make_info,
    make_ordinary,
    make_signer,
    make_token,
    refer,
    sign_rsa,
)
from cryptography.hazmat.primitives.asymmetric import ec

from edoc.pdf.cms import read_cms
from edoc.pdf.cmsbare import read_bare
from edoc.pdf.cmsder import Malformed, Part, read_first, write
from edoc.pdf.cmsfacts import CmsFacts
from edoc.pdf.cmsloose import read_detached
from edoc.pdf.cmsnames import compute_digest
from edoc.pdf.cmsparts import read_certificate, read_signed_data, read_signer_info

MAX_SECONDS = 0.5
MAX_BYTES = 64 << 20

Read = Callable[[bytes], CmsFacts]


@dataclass(frozen=True)
class Seed:
    """A sound signature, how it is read, and the bytes that must not change."""

    data: bytes
    read: Read
    protected: tuple[range, ...]


@dataclass
class Outcome:
    """What came of many runs."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, bytes]] = field(default_factory=list)
    slowest: float = 0.0
    """Seconds."""
    grown: int = 0
    """Bytes of memory over all runs."""


def _read_over_sha1(data: bytes) -> CmsFacts:
    return read_cms(data, digest_of(), over_sha1=True)


@lru_cache(maxsize=1)
def make_seeds() -> tuple[Seed, ...]:
    signer, elliptic, second = make_signer(), make_signer("P-256"), make_signer(name="Tran Thi B")
    unsigned = [attribute(STAMP, make_token(read_cms(make_ordinary(), None).value))]
    plain: Read = lambda data: read_cms(data, digest_of())  # noqa: E731 - one of several readers
    with_curve = make_info(
        elliptic,
        list_attributes(more=[refer(elliptic.certificate)]),
        algorithm=identify(ECDSA_SHA256),
        sign=lambda message: bytes(elliptic.key.sign(message, ec.ECDSA(HASHES["sha256"]))),
    )
    both = [make_info(each, list_attributes()) for each in (signer, second)]
    hashed = compute_digest("sha1", CONTENT)
    over_sha1 = make_info(signer, list_attributes(hashed))
    bare = write(OCTETS, sign_rsa(signer)(CONTENT))
    token = make_token(CONTENT)
    return (
        _seed(make_ordinary(), plain),
        _seed(make_ordinary(unsigned=unsigned), plain),
        _seed(make_cms([with_curve], [elliptic.certificate]), plain),
        _seed(make_cms([make_info(signer, None)], [signer.certificate]), plain),
        _seed(make_cms(both, [signer.certificate, second.certificate]), plain),
        _seed(make_cms([over_sha1], [signer.certificate], content=hashed), _read_over_sha1),
        _seed(_loosen(make_ordinary()), plain),
        _seed(token, lambda data: read_detached(data, digest_of())),
        Seed(bare, _read_bare(signer), (range(4, len(bare)),)),
    )


def _read_bare(signer: Signer) -> Read:
    return lambda data: read_bare(data, (signer.certificate,), digest_of())


def _seed(data: bytes, read: Read) -> Seed:
    """The first signer's attributes and value, the keys' numbers, the content inside."""
    assert read(data).intact
    signed = read_signed_data(data)
    pieces = [piece for part in signed.signers for piece in _list_protected(part)]
    certificates = {read(data).certificate, *(each.certificate for each in read(data).signers)} - {None}
    pieces += [
        read_first(read_certificate(der or b"").key_info, 0x30).parts[1].content[8:] for der in certificates
    ]
    if signed.content:
        pieces.append(signed.content)
    return Seed(
        data, read, tuple(range(at, at + len(piece)) for piece in pieces if (at := data.find(piece)) >= 0)
    )


def _list_protected(part: Part) -> list[bytes]:
    info = read_signer_info(part)
    return [info.signature, *([info.signed.content] if info.signed else [])]


def _loosen(data: bytes) -> bytes:
    """The same in BER, with indefinite lengths around what is not signed."""
    whole = read_first(data, 0x30)
    kind, wrapped = whole.parts
    inside = wrapped.first
    end = b"\x00\x00"
    return b"\x30\x80" + kind.raw + b"\xa0\x80" + b"\x30\x80" + inside.content + end * 3


def twist(dice: random.Random, data: bytes) -> bytes:
    """Change one to four things."""
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        data = dice.choice(_WAYS)(dice, data)
    return data


def _flip(dice: random.Random, data: bytes) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << dice.randrange(8),)) + data[at + 1 :]


def _cut(dice: random.Random, data: bytes) -> bytes:
    return data[: dice.randint(1, len(data))]


def _pick(dice: random.Random, data: bytes) -> list[Part]:
    """A random element with all that it stands in, the innermost last."""
    try:
        path = [read_first(data, data[0])]
        while path[-1].tag & 0x20 and dice.random() < 0.9:
            path.append(dice.choice(path[-1].parts))
    except (Malformed, IndexError):
        return []
    return path


def _change_length(dice: random.Random, data: bytes) -> bytes:
    path = _pick(dice, data)
    if not path:
        return data
    at = path[-1].start + 1
    odd = dice.choice(
        (b"\x80", b"\x00", b"\x7f", b"\x84\xff\xff\xff\xff", b"\x81\x00", b"\x88" + b"\xff" * 8)
    )
    return data[:at] + dice.choice((odd, bytes((data[at] ^ 1,)))) + data[path[-1].body :]


def _replace(dice: random.Random, data: bytes) -> bytes:
    """Put something else in the place of an element, all lengths around it right."""
    path = _pick(dice, data)
    if len(path) < 2:
        return data
    *around, victim = path
    new = dice.choice(
        (lambda: _bomb(dice), lambda: b"", lambda: victim.raw * 2, lambda: _other(dice, data))
    )()
    for outer in reversed(around):
        new = data[outer.body : victim.start] + new + data[victim.end : outer.stop]
        victim = outer
        new = write(outer.tag, new)
    return new


def _other(dice: random.Random, data: bytes) -> bytes:
    path = _pick(dice, data)
    return path[-1].raw if path else b""


def _bomb(dice: random.Random) -> bytes:
    depth = dice.choice((10, 30, 1000, 20000))
    return dice.choice(_BOMBS)(depth)


_BOMBS: tuple[Callable[[int], bytes], ...] = (
    lambda depth: b"\x30\x80" * depth + b"\x00\x00" * depth,
    lambda depth: b"\x24\x80" * depth,
    lambda depth: write(0x31, b"\x05\x00" * depth),
    lambda depth: write(2, b"\x7f" + b"\xff" * depth * 8),
    lambda depth: write(6, b"\xff" * depth + b"\x01"),
    lambda depth: _nest(min(depth, 400)),
    lambda depth: write(0x31, *[write(0x30, b"\x06\x01\x2a" + b"\x31\x00")] * depth),
    lambda depth: write(0x17, b"9" * depth),
    lambda depth: write(5, b"\x00" * (depth % 7)),
)


def _nest(depth: int) -> bytes:
    inside = b""
    for _ in range(depth):
        inside = write(0x31, inside)
    return inside


_WAYS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    *(_flip,) * 3,
    *(_change_length,) * 2,
    *(_replace,) * 4,
    _cut,
)


def run_many(seed: int, runs: int) -> Outcome:
    """Twist and read that often."""
    dice, seeds, outcome = random.Random(seed), make_seeds(), Outcome()
    read_cms(make_ordinary()[:-1] + b"\x00", None)  # the second opinion's modules are loaded once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(runs):
        chosen = dice.choice(seeds)
        if dice.random() < 0.3:
            at = dice.choice(dice.choice(chosen.protected))
            data = (
                chosen.data[:at] + bytes((chosen.data[at] ^ 1 << dice.randrange(8),)) + chosen.data[at + 1 :]
            )
            _try(chosen, data, outcome, protected=True)
        else:
            _try(chosen, twist(dice, chosen.data), outcome, protected=False)
    outcome.grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    return outcome


def _try(seed: Seed, data: bytes, outcome: Outcome, *, protected: bool) -> None:
    started = time.perf_counter()
    try:
        facts = seed.read(data)
    except ValueError:
        outcome.counts["refused"] += 1
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        outcome.findings.append((f"{type(error).__name__}: {error}"[:200], data))
    else:
        outcome.counts[_name(facts)] += 1
        if protected and facts.intact:
            outcome.findings.append(("a changed signature is intact", data))
    took = time.perf_counter() - started
    outcome.slowest = max(outcome.slowest, took)
    if took > MAX_SECONDS:
        outcome.findings.append((f"{took:.2f} s", data))


def _name(facts: CmsFacts) -> str:
    if facts.intact:
        return "intact"
    return "broken" if False in {facts.digest_matches, facts.signature_holds} else "unknown"


def main() -> int:
    """Run, count, tell."""
    runs, seed = (int(word) for word in (*sys.argv[1:], *("20000", "1")[len(sys.argv) - 1 :]))
    outcome = run_many(seed, runs)
    for finding, data in outcome.findings[:20]:
        sys.stderr.write(f"{finding}: {data[:2000].hex()}\n")
    told = ", ".join(f"{count} {name}" for name, count in outcome.counts.most_common())
    figures = f"slowest {outcome.slowest * 1000:.1f} ms, grown by {outcome.grown >> 10} KiB"
    sys.stdout.write(f"{runs} runs: {told}; {len(outcome.findings)} findings; {figures}\n")
    return 1 if outcome.findings or outcome.grown > MAX_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())

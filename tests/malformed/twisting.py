"""Break what PDFs mean, not their bytes: objects say something odd, and every offset is right.

Broken bytes seldom get past the cross-references; these files do, and try everything behind them.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import pikepdf
from composing import CONTAINERS, compose, find_start, make_stream

MAX_OBJECTS: Final = 400
_TOKEN: Final = re.compile(
    rb"<<|>>|\[|\]|/[^\x00\t\n\x0c\r ()<>\[\]{}/%]*|\d+ \d+ R\b|[+-]?[\d.]+|<[0-9A-Fa-f]*>"
    rb"|\((?:[^()\\]|\\.)*\)|true|false|null|[^\s]",
    re.DOTALL,
)
_LENGTH: Final = re.compile(rb"/Length (?:\d+ \d+ R|\d+)")
_REFERENCE: Final = re.compile(rb"(\d+) (\d+) R")
_SKELETON: Final = re.compile(rb"/(?:Catalog|Pages?|AcroForm|Fields|Sig|FT|Kids|Annots|ByteRange|DocMDP)\b")
"""What signing looks at, rather than contents and fonts."""
_KEYS: Final = (
    *(b"/AcroForm", b"/Fields", b"/Kids", b"/Parent", b"/Count", b"/Type", b"/Pages", b"/Annots", b"/T"),
    *(b"/FT", b"/V", b"/Rect", b"/MediaBox", b"/CropBox", b"/Rotate", b"/P", b"/Lock", b"/SV", b"/SigFlags"),
    *(b"/Perms", b"/DocMDP", b"/Reference", b"/TransformParams", b"/TransformMethod", b"/ByteRange", b"/AP"),
    *(b"/Contents", b"/N", b"/MK", b"/F", b"/Ff", b"/DA", b"/DR", b"/Resources", b"/Action", b"/Length"),
    *(b"/Filter", b"/DSS", b"/Certs", b"/VRI", b"/Extensions", b"/Metadata", b"/Root", b"/NeedAppearances"),
)
_VALUES: Final = (
    *(b"null", b"true", b"0", b"1", b"-1", b"3", b"2147483647", b"2147483648", b"99999999999999999999"),
    *(b"1.5", b"-.0", b"()", b"(x)", b"(\\376\\377\\330\\000)", b"(\\8\\q)", b"<>", b"<0", b"/", b"/Sig"),
    *(b"/Tx", b"/Page", b"/Pages", b"/Catalog", b"/DocMDP", b"/FieldMDP", b"/All", b"/Include", b"[]"),
    *(b"<<>>", b"[[[[]]]]", b"[0 0 0 0]", b"[0 0 1e9 1]", b"[null]", b"<</Kids[]>>", b"[/A/B]", b"1 0", b"R"),
    *(b"endobj", b"% x", b"/caf\xe9", b"/caf#E9", b"/caf#C3#A9", b"/#00", b"/A#", b"(\xff\xfe)", b"(a.b)"),
    *(b"1 1 R", b"0 0 R", b"9999999 0 R", b"[" * 70 + b"]" * 70),
    b"<</Type/Sig/ByteRange[0 9 9 9]/Contents<00>>>",
)


@dataclass(frozen=True, slots=True)
class Parts:
    """A sound PDF, taken apart."""

    root: int
    bodies: dict[int, tuple[bytes, bytes | None]]
    """Each object without its stream's data and length; and these data."""
    skeleton: tuple[int, ...]


@lru_cache(maxsize=128)
def take_apart(path: Path) -> Parts | None:
    """Read a file with qpdf; None if it is encrypted, broken, or too large."""
    try:
        with (
            pikepdf.explicit_conversion(),
            pikepdf.open(path, inherit_page_attributes=False) as pdf,
        ):
            if pdf.is_encrypted or len(pdf.objects) > MAX_OBJECTS:
                return None
            listed = [found for found in pdf.objects if isinstance(found, pikepdf.Object)]
            bodies = {found.objgen[0]: _spell(found) for found in listed if found.objgen[0]}
            root = pdf.Root.objgen[0]
    except (pikepdf.PdfError, pikepdf.PasswordError):
        return None
    skeleton = [key for key, (body, data) in bodies.items() if data is None and _SKELETON.search(body)]
    return Parts(root, bodies, tuple(skeleton)) if root in bodies else None


def _spell(found: pikepdf.Object) -> tuple[bytes, bytes | None]:
    if not isinstance(found, pikepdf.Stream):
        return found.unparse(resolved=True), None
    spelt = _LENGTH.sub(b"", found.stream_dict.unparse(), count=1).strip()
    return spelt.removeprefix(b"<<").removesuffix(b">>"), found.read_raw_bytes()


def twist(dice: random.Random, parts: Parts) -> bytes:
    """Give a file that says something odd in one to six places."""
    bodies = dict(parts.bodies)
    for _ in range(dice.choice((1, 1, 2, 3, 6))):
        number = dice.choice(parts.skeleton) if dice.random() < 0.85 else dice.choice(list(bodies))
        if number not in bodies:
            continue
        if dice.random() < 0.1:
            _twist_whole(dice, bodies, number)
        else:
            body, data = bodies[number]
            tokens: list[bytes] = _TOKEN.findall(body)
            dice.choice(_WAYS)(dice, tokens, list(bodies))
            bodies[number] = b" ".join(tokens), data
    whole = {key: body if data is None else make_stream(body, data) for key, (body, data) in bodies.items()}
    return _write(dice, whole, parts.root)


def _twist_whole(dice: random.Random, bodies: dict[int, tuple[bytes, bytes | None]], number: int) -> None:
    way = dice.randrange(3)
    if way == 0 and len(bodies) > 1:
        del bodies[number]
    elif way == 1:
        other = dice.choice(list(bodies))
        bodies[number], bodies[other] = bodies[other], bodies[number]
    else:
        bodies[number] = dice.choice(_VALUES), None


def _write(dice: random.Random, bodies: dict[int, bytes], root: int) -> bytes:
    more = dice.choice((b"", b"/ID[<00><01>]", b"/ID[()()]", b"/ID null", b"/Info 1 0 R"))
    trailer = b"/Root %d 0 R" % root + more
    plain = [number for number, body in bodies.items() if b"stream" not in body]
    hidden = frozenset(dice.sample(plain, min(len(plain), dice.choice((0, 1, 5)))))
    size = None if dice.random() < 0.9 else dice.choice((0, 1, len(bodies), max(bodies), 1 << 20, 1 << 31))
    data = compose(bodies, dice.choice(CONTAINERS), trailer=trailer, hidden=hidden, size=size)
    for _ in range(dice.choice((0, 0, 0, 1, 3))):
        data = _update(dice, data, bodies, trailer)
    return data


def _update(dice: random.Random, data: bytes, bodies: dict[int, bytes], trailer: bytes) -> bytes:
    """Append a revision that gives some objects anew, some of them elsewhere than it says, or free."""
    prev = find_start(data)
    rows, added = b"", b""
    for number in sorted(dice.sample(list(bodies), min(len(bodies), 2))):
        at = len(data) + len(added) + dice.choice((0, 0, 0, 0, 0, 7))
        kind = dice.choice((b"n", b"n", b"n", b"f"))
        rows += b"%d 1\n%010d %05d %b \n" % (number, at, dice.choice((0, 0, 0, 1)), kind)
        added += b"%d 0 obj\n%b\nendobj\n" % (number, bodies[number])
    start = len(data) + len(added)
    prev = dice.choice((*[prev] * 20, start, 0))
    end = b"trailer\n<<%b/Size %d/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        trailer,
        max(bodies) + 3,
        prev,
        start,
    )
    return data + added + b"xref\n" + rows + end


def _replace_value(dice: random.Random, tokens: list[bytes], numbers: list[int]) -> None:
    places = [at for at, token in enumerate(tokens) if not token.startswith((b"<<", b">>", b"[", b"]"))]
    if places:
        tokens[dice.choice(places)] = _choose(dice, numbers)


def _replace_after_key(dice: random.Random, tokens: list[bytes], numbers: list[int]) -> None:
    places = [at for at, token in enumerate(tokens[:-1]) if token in _KEYS]
    if places:
        at = dice.choice(places) + 1
        tokens[at : _end(tokens, at)] = [_choose(dice, numbers)]


def _insert_entry(dice: random.Random, tokens: list[bytes], numbers: list[int]) -> None:
    places = [at for at, token in enumerate(tokens) if token == b"<<"]
    if places:
        at = dice.choice(places) + 1
        tokens[at:at] = [dice.choice(_KEYS), _choose(dice, numbers)]


def _insert_item(dice: random.Random, tokens: list[bytes], numbers: list[int]) -> None:
    places = [at for at, token in enumerate(tokens) if token == b"["]
    if places:
        at = dice.choice(places) + 1
        tokens[at:at] = [_choose(dice, numbers)] * dice.choice((1, 1, 2, 50))


def _drop_entry(dice: random.Random, tokens: list[bytes], _numbers: list[int]) -> None:
    places = [at for at, token in enumerate(tokens[:-1]) if token.startswith(b"/")]
    if places:
        at = dice.choice(places)
        del tokens[at : _end(tokens, at + 1)]


def _redirect(dice: random.Random, tokens: list[bytes], numbers: list[int]) -> None:
    places = [at for at, token in enumerate(tokens) if _REFERENCE.fullmatch(token)]
    if places:
        tokens[dice.choice(places)] = b"%d %d R" % (dice.choice(numbers), dice.choice((0, 0, 0, 0, 1)))


def _rename(dice: random.Random, tokens: list[bytes], _numbers: list[int]) -> None:
    places = [at for at, token in enumerate(tokens) if token in _KEYS]
    if places:
        tokens[dice.choice(places)] = dice.choice(_KEYS)


def _drop_token(dice: random.Random, tokens: list[bytes], _numbers: list[int]) -> None:
    if tokens:
        del tokens[dice.randrange(len(tokens))]


_WAYS: Final[tuple[Callable[[random.Random, list[bytes], list[int]], None], ...]] = (
    *(_replace_value, _replace_after_key, _insert_entry, _insert_item, _drop_entry, _redirect, _rename) * 4,
    _drop_token,
)


def _choose(dice: random.Random, numbers: list[int]) -> bytes:
    if dice.random() < 0.4:
        return b"%d 0 R" % dice.choice(numbers)
    return dice.choice(_VALUES)


def _end(tokens: list[bytes], at: int) -> int:
    """Where the value that begins at `at` ends."""
    depth = 0
    for place in range(at, len(tokens)):
        depth += (tokens[place] in {b"<<", b"["}) - (tokens[place] in {b">>", b"]"})
        if depth <= 0:
            return place + 1
    return len(tokens)

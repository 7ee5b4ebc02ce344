"""Load a role: a preset by its name, or an own one from a TOML file.

    load_role("sao-y")
    load_role("roles/van-thu.toml")

A role is data: the kind of certificate it takes, the fields it may fill, what it shows, where, and what it
locks. Serves NĐ 30/2020/NĐ-CP Art 32 and Annex I.
"""

import os
import re
import tomllib
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

from edoc.core.chain import CertificateKind
from edoc.errors import InputError

Spot = Literal["person", "seal", "top-right", "number-and-date", "none"]
"""Where a role without a prepared field stands: between position and name; over a third of the person's
signature at its left; in the top right corner of page 1; where number and date belong; nowhere visible."""

MAX_FILE_BYTES: Final = 64 << 10
_FOLDER: Final = Path(__file__).resolve().parent
_BLANK: Final = re.compile(r"\{(\w+)\}")
_DIRECTIVE: Final = re.compile(r"%:?.?")
_TIMES: Final = frozenset("%Y %y %m %d %H %M %S %z %:z %%".split())  # noqa: SIM905 - read easily
"""What a time is made of, as of `strftime`; `%:z` is the offset with a colon (ISO 8601)."""
_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_MAX_TEXT: Final = 200
_MAX_ITEMS: Final = 16
_KNOWN: Final = ("number", "date", "time", "agency")
_KINDS: Final = {
    "person": CertificateKind.PERSON,
    "agency": CertificateKind.AGENCY,
    "system": CertificateKind.SYSTEM,
}
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "kind": tuple(_KINDS),
    "lock": ("none", "form", "all"),
    "place": get_args(Spot),
    "image": ("optional", "required", "forbidden"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Who signs as what."""

    name: str
    title: str
    """In Vietnamese, for texts that people read."""
    kind: CertificateKind
    """The kind of certificate that may sign so."""
    fields: tuple[str, ...] = ()
    """Prepared fields that it may fill, the first choice first."""
    new_field: str
    """What a new field is called; a number follows."""
    lock: Literal["none", "form", "all"] = "none"
    """What a new field locks: nothing; nothing yet, but only form filling may follow; everything."""
    place: Spot = "none"
    image: Literal["optional", "required", "forbidden"] = "optional"
    width_mm: float = 0
    height_mm: float = 0
    """Of the room for a person's signature or a seal, in millimetres."""
    actual_size: bool = False
    """The image is shown as large as its resolution says, else `width_mm` wide; it never fills its room."""
    lines: tuple[str, ...] = ()
    """What is printed, with {number}, {date}, {time} and {agency} to fill in; long lines are broken."""
    text_size: float = 10
    """In points: Annex I wants 10."""
    time_format: str = "%Y-%m-%dT%H:%M:%S%:z"
    """As of `strftime`; `%:z` is the offset with a colon (ISO 8601)."""
    requires_person: bool = False
    """It goes only on what a competent person validly signed (NĐ 30/2020 Art 32)."""

    def compose(
        self, *, number: str | None, date: str | None, time: datetime, agency: str
    ) -> tuple[str, ...]:
        """Fill in the lines. Raises `InputError` if a line needs something that is not given."""
        given = {"number": number, "date": date, "time": self._spell(time), "agency": agency}

        def fill(found: re.Match[str]) -> str:
            value = given[found[1]]
            if not value:
                raise InputError(
                    f"the role {self.name} prints the {found[1]}, and none is given.",
                    advice=f"Give it (--{'notation and --number' if found[1] == 'number' else found[1]}).",
                )
            return value

        return tuple(_BLANK.sub(fill, line) for line in self.lines)

    def _spell(self, time: datetime) -> str:
        offset = f"{time:%z}"
        return time.strftime(self.time_format.replace("%:z", f"{offset[:3]}:{offset[3:5]}"))


def list_presets() -> tuple[str, ...]:
    """Names of the roles that edoc knows."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_role(role: str | os.PathLike[str]) -> Role:
    """Load a preset by its name, or a role from a file that ends in `.toml`.

    Raises `InputError` if there is none, or if the file says something that a role cannot be.
    """
    name = os.fspath(role)
    if not name.endswith(".toml"):
        return _load_preset(name)
    try:
        with Path(name).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"this role file cannot be read ({(error.strerror or 'input error').lower()}).", where=name
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise InputError("this is too long for a role file.", where=name)
    return _parse(content, where=name, stem=Path(name).stem)


@lru_cache(maxsize=32)
def _load_preset(name: str) -> Role:
    if name not in list_presets():
        raise InputError(
            f"{name!r} is no role.",
            advice=f"Roles are {', '.join(list_presets())}, or the path of a .toml file.",
        )
    path = _FOLDER / f"{name}.toml"
    return _parse(path.read_bytes(), where=str(path), stem=name)


def _parse(content: bytes, *, where: str, stem: str) -> Role:
    try:
        values: dict[str, Any] = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"this role file is no TOML: {error}.", where=where) from error
    values.setdefault("name", stem)
    values.setdefault("title", values["name"])
    for key, value in values.items():
        _require(key, value, where)
    _require_whole(values, where)
    made: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    made["kind"] = _KINDS[made["kind"]]
    return Role(**made)


_TEXTS: Final = ("name", "title", "new_field", "time_format", *_CHOICES)
_LISTS: Final = ("fields", "lines")
_MILLIMETRES: Final = ("width_mm", "height_mm")
_SWITCHES: Final = ("requires_person", "actual_size")
_NUMBERS: Final = {**dict.fromkeys(_MILLIMETRES, (1, 300)), "text_size": (6, 72)}
"""Key → the least and the most it can be."""


def _require(key: str, value: Any, where: str) -> None:
    """See to it that a role can have this. Raises `InputError` that says what is allowed."""
    if key in _TEXTS:
        if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
            raise InputError(f"{key} must be a text of 1 to {_MAX_TEXT} letters in one line.", where=where)
        _require_text(key, value, where)
    elif key in _LISTS:
        texts: list[Any] = value if isinstance(value, list) else [None]
        if len(texts) > _MAX_ITEMS or not all(isinstance(text, str) and text.strip() for text in texts):
            raise InputError(f"{key} must be a list of at most {_MAX_ITEMS} texts.", where=where)
        for text in texts if key == "lines" else ():
            _require_line(text, where)
    elif key in _NUMBERS:
        least, most = _NUMBERS[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise InputError(f"{key} must be a number from {least} to {most}.", where=where)
    elif key in _SWITCHES:
        if not isinstance(value, bool):
            raise InputError(f"{key} must be true or false.", where=where)
    else:
        known = ", ".join(field.name for field in fields(Role))
        raise InputError(f"a role has no {key}.", where=where, advice=f"It has {known}.")


def _require_text(key: str, value: str, where: str) -> None:
    if key in _CHOICES and value not in _CHOICES[key]:
        allowed = ", ".join(_CHOICES[key])
        raise InputError(f"{key} cannot be {value!r}.", where=where, advice=f"Use {allowed}.")
    if key == "new_field" and not _FIELD.fullmatch(value):
        raise InputError(
            f"new_field cannot be {value!r}.", where=where, advice="Use letters, digits, - and _; no dots."
        )
    if key == "time_format" and not (set(_DIRECTIVE.findall(value)) <= _TIMES and "%" in value):
        known = ", ".join(sorted(_TIMES))
        raise InputError(f"time_format cannot be {value!r}.", where=where, advice=f"It is made of {known}.")


def _require_line(line: str, where: str) -> None:
    known = ", ".join(f"{{{name}}}" for name in _KNOWN)
    for blank in _BLANK.findall(line):
        if blank not in _KNOWN:
            raise InputError(f"lines cannot say {{{blank}}}.", where=where, advice=f"They can say {known}.")
    if len(line) > _MAX_TEXT or not line.isprintable() or set("{}") & set(_BLANK.sub("", line)):
        raise InputError(
            f"lines cannot say {line[:_MAX_TEXT]!r}.", where=where, advice=f"Braces only as in {known}."
        )


def _require_whole(values: dict[str, Any], where: str) -> None:
    """See to it that the parts of a role fit each other."""
    place, image = values.get("place", "none"), values.get("image", "optional")
    needed = ["kind", "new_field"]
    if place in ("person", "seal"):
        needed += _MILLIMETRES
    if place in ("top-right", "number-and-date"):
        needed.append("lines")
    if values.get("actual_size"):
        needed.append("width_mm")
    for key in needed:
        if not values.get(key):
            reason = f" with the place {place}" if key in ("lines", *_MILLIMETRES) else ""
            raise InputError(f"a role{reason} needs {key}.", where=where, advice="See docs/roles.md.")
    if image == "required" and place in ("none", "number-and-date"):
        raise InputError(f"a role with the place {place} shows no image.", where=where)

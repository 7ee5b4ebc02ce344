"""Find a policy by its name, or load one's own from a TOML file.

    policy = load_policy("nd68")            # or etsi, integrity, public-tt15
    policy = load_policy("tinh.toml")

    name = "tỉnh"                           # tinh.toml
    minimal_rsa_bits = 3072

What a file does not say is as in `nd68`, so that nothing becomes laxer by being left out.
"""

import dataclasses
import datetime as dt
import os
import tomllib
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from edoc.core.chain import CertificateKind
from edoc.core.policy import Policy, Retired
from edoc.core.verdicts import Changes
from edoc.errors import InputError

NAMES: Final = ("etsi", "integrity", "nd68", "public-tt15")
MAX_FILE_BYTES: Final = 64 << 10
_FOLDER: Final = Path(__file__).parent
_TABLE: Final = _FOLDER / "algorithms.toml"


def load_policy(policy: str | os.PathLike[str] | Policy) -> Policy:
    """Give the policy of that name, the policy in that file, or the policy itself.

    Raises `InputError` if there is none, or the file is no policy.
    """
    if isinstance(policy, Policy):
        return policy
    name = os.fspath(policy)
    if name in NAMES:
        return _load_preset(name)
    path = Path(name)
    if not path.is_file():
        raise InputError(
            f"there is no policy named {name!r}.",
            advice=f"Use one of: {', '.join(NAMES)}; or the path of a .toml file.",
        )
    said = _read(path)
    read = _build(_load_preset("nd68"), {"name": "", **said}, path)
    if not read.name.strip() or read.name in NAMES:
        # Nobody judges under one policy and shows another.
        raise InputError("a policy of one's own has a name of its own.", where=name, advice="Set its name.")
    return dataclasses.replace(read, trust=tuple(str(path.parent / each) for each in read.trust))


@cache
def _load_preset(name: str) -> Policy:
    path = _FOLDER / f"{name}.toml"
    return _build(Policy(name=name), _read(_TABLE) | _read(path), path)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise InputError(f"a policy has at most {MAX_FILE_BYTES} bytes.", where=str(path))
        return tomllib.loads(content.decode())
    except OSError as error:
        reason = (error.strerror or "input error").lower()
        raise InputError(f"this policy cannot be read: {reason}.", where=str(path)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"this policy cannot be read as TOML: {error}.", where=str(path)) from error


def _build(base: Policy, said: Mapping[str, Any], path: Path) -> Policy:
    unknown = said.keys() - {field.name for field in dataclasses.fields(Policy)}
    if unknown:
        raise InputError(
            f"{', '.join(sorted(unknown))}: a policy says no such thing.",
            where=str(path),
            advice="docs/policies.md lists what it says.",
        )
    values = {}
    for key, value in said.items():
        try:
            values[key] = _READERS.get(key, _READ_PLAIN[key])(value)
        except (TypeError, ValueError, KeyError) as error:
            raise InputError(
                f"{key}: {str(error).strip(chr(39)) or 'not of the right kind'}.",
                where=str(path),
                advice="Correct the policy.",
            ) from error
    return dataclasses.replace(base, **values)


def _read_retired(value: Any) -> tuple[Retired, ...]:
    rows = []
    for row in _require(value, list):
        unknown = _require(row, dict).keys() - {"name", "below_bits", "since"}
        if unknown or "name" not in row or "since" not in row:
            raise ValueError("each says name, since, and below_bits for keys")
        rows.append(Retired(_require(row["name"], str), _count(row.get("below_bits", 0)), _day(row["since"])))
    return tuple(rows)


def _read_historic(value: Any) -> tuple[tuple[str, dt.date], ...]:
    return tuple((name, _day(until)) for name, until in _require(value, dict).items())


def _read_texts(value: Any) -> tuple[str, ...]:
    return tuple(_require(item, str) for item in _require(value, list))


def _read_kinds(value: Any) -> tuple[CertificateKind, ...]:
    return tuple(CertificateKind(item) for item in _read_texts(value))


def _require_kind(kind: Any, value: Any) -> Any:
    return _require(value, kind)


def _require(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} expected, not {type(value).__name__}")
    return value


def _count(value: Any) -> int:
    number: int = _require(value, int)
    if number < 0:
        raise ValueError("a number from 0 on expected")
    return number


def _day(value: Any) -> dt.date:
    day: dt.date = _require(value, dt.date)
    return day


def _read_choice(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)} expected")
        return str(value)

    return read


_HINTS: Final = get_type_hints(Policy)
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "allowed_changes": Changes,
    "kinds": _read_kinds,
    "retired": _read_retired,
    "historic_digests": _read_historic,
    "weak_digests": _read_texts,
    "trust": _read_texts,
    "revocation": _read_choice(get_args(_HINTS["revocation"])),
    "missing_revocation": _read_choice(get_args(_HINTS["missing_revocation"])),
}
_READ_PLAIN: Final[Mapping[str, Callable[[Any], Any]]] = {
    field.name: _count if field.type is int else partial(_require_kind, field.type)
    for field in dataclasses.fields(Policy)
}

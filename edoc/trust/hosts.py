"""Where an address really leads: hosts that cannot be reached by the name that certificates carry.

    remap("http://ocsp.ca.ptc/x?y", {"ocsp.ca.ptc": "http://127.0.0.1:8080"}) == "http://127.0.0.1:8080/x?y"

A key is a host, or host:port; a value is host, host:port, or scheme://host[:port][/prefix]. Path and query
are kept. A mapping is applied once, never to its own result.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from edoc.errors import InputError

_PORTS: Final = {"http": 80, "https": 443}


def check_hosts(hosts: Mapping[str, str]) -> dict[str, str]:
    """Give a mapping with its keys in lower case. Raises `InputError` for one that cannot be meant."""
    for source, target in hosts.items():
        if not _is_host(source):
            raise InputError(
                f"{source!r} is no host to be replaced.", advice="Name it as host or host:port, without path."
            )
        if not _is_target(target):
            raise InputError(
                f"{target!r} cannot stand for the host {source}.",
                advice="Name it as host, host:port or http(s)://host[:port][/prefix].",
            )
    return {source.lower(): target.rstrip("/") for source, target in hosts.items()}


def remap(url: str, hosts: Mapping[str, str]) -> str:
    """Give the address to ask instead of `url`; `url` itself where no host of `hosts` fits."""
    if not hosts:
        return url
    parts = urlsplit(url)
    target = _find(parts, hosts)
    if target is None:
        return url
    base = target if "://" in target else f"{parts.scheme}://{target}"
    return f"{base}{parts.path}{'?' + parts.query if parts.query else ''}"


def _find(parts: SplitResult, hosts: Mapping[str, str]) -> str | None:
    try:
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # not a number, or too large
        return None
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    return hosts.get(f"{name}:{port}") or hosts.get(name)


def _is_host(text: str) -> bool:
    parts = urlsplit(f"//{text}")
    try:
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and parts.netloc == text and "@" not in text and " " not in text


def _is_target(text: str) -> bool:
    if "://" not in text:
        return _is_host(text)
    parts = urlsplit(text)
    return parts.scheme in _PORTS and _is_host(parts.netloc) and not (parts.query or parts.fragment)

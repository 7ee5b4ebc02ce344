"""Who may call: the signature, the time, the pace. Nothing else of the hub is reached before.

A signature counts over the text as it came, never over one built anew. The SDK fixes its time when its
service object is made, so the same signature may rightly come again and again; what a repeated call could do
twice is prevented where it is done (`edoc.hub.queues`, `edoc.hub.repeats`), and the window bounds how long it
counts.
"""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import SecretStr

from edoc.axis.signing import Call, read_call
from edoc.axis.wire import ErrorCode
from edoc.hub.hub import Hub
from edoc.hub.moments import show_moment
from edoc.hub.pace import Pace
from edoc.hub.refusals import CallRefusedError

_NOBODY: Final = secrets.token_hex(16)
_NOT_AUTHENTIC: Final = "the system id or the secret is wrong, or the call was changed on its way."


class TooFastError(CallRefusedError):
    """A system calls more often than agreed, or sends more; `seconds` until it may go on."""

    def __init__(self, what: str, seconds: float) -> None:
        self.seconds = max(1, round(seconds))
        super().__init__(ErrorCode.HUB_ERROR, what, advice=f"Try again in {self.seconds} s.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Decides who may pass; one for each process of the hub."""

    hub: Hub
    calls: Pace
    traffic: Pace
    noise: Pace
    """How many refused strangers are noted in the audit log."""

    @classmethod
    def of(cls, hub: Hub) -> "Gate":
        """Make the gate of a hub."""
        limits = hub.settings.limits
        return cls(
            hub=hub,
            calls=Pace(limits.calls_per_minute, seconds=60),
            traffic=Pace(limits.bytes_per_hour, seconds=3600),
            noise=Pace(60, seconds=60),
        )

    def admit(self, headers: Iterable[tuple[str, str]]) -> Call:
        """Give the call if its signature and its time count and its system is not too fast.

        Raises `CallNotSignedError` and `CallRefusedError`.
        """
        now = self.hub.clock()
        call = read_call(headers)
        secret = self.hub.credentials.find(call.system_id)
        # An unknown system takes as long as a wrong secret.
        if not call.is_signed_with((secret or SecretStr(_NOBODY)).get_secret_value()) or secret is None:
            raise CallRefusedError(ErrorCode.NOT_AUTHENTIC, _NOT_AUTHENTIC)
        self._require_timely(call.timestamp, now)
        self.require_pace(call.system_id)
        return call

    def admit_secret(self, system_id: str, given: str) -> SecretStr:
        """Give a system's secret if this is it. Raises `CallRefusedError`."""
        secret = self.hub.credentials.find(system_id)
        expected = (secret or SecretStr(_NOBODY)).get_secret_value()
        same = hmac.compare_digest(
            expected.encode("utf-8", "surrogateescape"), given.encode("utf-8", "replace")
        )
        if not same or secret is None:
            raise CallRefusedError(ErrorCode.NOT_AUTHENTIC, _NOT_AUTHENTIC)
        return secret

    def require_pace(self, system_id: str) -> None:
        """Count a call. Raises `TooFastError`."""
        seconds = self.calls.take(system_id, 1, now=self.hub.clock())
        if seconds:
            most = self.hub.settings.limits.calls_per_minute
            raise TooFastError(f"this system calls more than {most} times a minute.", seconds)

    def require_traffic(self, system_id: str) -> None:
        """Raise `TooFastError` if a system has sent all that it may for now."""
        seconds = self.traffic.wait(system_id, now=self.hub.clock())
        if seconds:
            most = self.hub.settings.limits.mib_per_hour
            raise TooFastError(f"this system sends more than {most:g} MiB an hour.", seconds)

    def count_traffic(self, system_id: str, size: int) -> None:
        """Count bytes that a system sent."""
        self.traffic.take(system_id, size, now=self.hub.clock())

    def _require_timely(self, stamp: datetime, now: datetime) -> None:
        window = self.hub.settings.window
        if -window.newest <= now - stamp <= window.oldest:
            return
        minutes = abs((now - stamp).total_seconds()) / 60
        side = "behind" if stamp < now else "ahead of"
        raise CallRefusedError(
            ErrorCode.NOT_AUTHENTIC,
            f"the call's time {show_moment(stamp)} is {minutes:.1f} minutes {side} the hub's"
            f" {show_moment(now)};"
            f" {window.oldest_minutes:g} behind and {window.newest_minutes:g} ahead are allowed.",
            advice="Set the machine's clock right; a service that has run for long must be started again.",
        )

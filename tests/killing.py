"""Runs a function in a child process that is killed, or that meets a full disk."""

import ctypes
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000  # unshare(2)
_PRIVATE = 0x4000 | 0x40000  # mount(2): MS_REC | MS_PRIVATE
_REMOUNT = 32
_LIBC = ctypes.CDLL(None, use_errno=True)


def kill_within(seconds: float, act: Callable[[], object]) -> bool:
    """Run `act` again and again in a child, kill it at a random moment; returns whether it was killed."""

    def act_forever() -> None:
        while True:
            act()

    child = _start(act_forever)
    time.sleep(random.uniform(0, seconds))
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def in_a_child(act: Callable[[], object]) -> int:
    """Run `act` in a child; returns its exit code, 0 if all went well."""
    return os.waitstatus_to_exitcode(os.waitpid(_start(act), 0)[1])


def on_a_small_disk(folder: Path, size: int, act: Callable[[], object]) -> int:
    """Run `act` in a child for which `folder` is a disk of `size` bytes; returns its exit code.

    Where the machine lets nobody mount, no file of the child can grow beyond a third of `size` instead.
    """

    def act_there() -> None:
        try:
            _mount(folder, size)
        except OSError:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails instead
            resource.setrlimit(resource.RLIMIT_FSIZE, (size // 3, resource.RLIM_INFINITY))
        act()

    return in_a_child(act_there)


def enlarge_disk(folder: Path, size: int) -> None:
    """Give the small disk more room; only from within `on_a_small_disk`."""
    if _LIBC.mount(b"small", os.fsencode(folder), b"tmpfs", _REMOUNT, f"size={size}".encode()):
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _start(act: Callable[[], object]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        act()
    except BaseException:  # noqa: BLE001 - nothing of the test's own process may run on here
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)
    os._exit(0)


def _mount(folder: Path, size: int) -> None:
    user, group = os.getuid(), os.getgid()
    if _LIBC.unshare(_NEW_MOUNTS):  # not root: become it in a name space of one's own
        _call(_LIBC.unshare(_NEW_USER | _NEW_MOUNTS))
        for name, content in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path(f"/proc/self/{name}").write_text(content, encoding="ascii")
    _call(_LIBC.mount(b"none", b"/", None, _PRIVATE, None))
    _call(_LIBC.mount(b"small", os.fsencode(folder), b"tmpfs", 0, f"size={size}".encode()))


def _call(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

"""For processes with another clock: libfaketime refuses each wait until a monotonic deadline (EINVAL).

Python's `time.sleep` is such a wait; waiting for nothing to be readable is none.
"""

import select
import time


def sleep(seconds: float, /) -> None:
    """Sleep, as `time.sleep` does."""
    select.select((), (), (), seconds)


time.sleep = sleep  # type: ignore[assignment] # whoever sleeps here gives seconds

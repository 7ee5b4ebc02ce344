"""Run one benchmark and say of each row whether its target is met; exits 1 if one is not."""

import sys
from importlib import import_module

from benchmarks.measure import show

NAMES = ("sign", "verify", "edxml", "worker")


def main() -> int:
    """Run the benchmark that is named on the command line."""
    wanted = sys.argv[1:] or list(NAMES)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        sys.stderr.write(f"there is no benchmark {unknown[0]}; there is: {', '.join(NAMES)}\n")
        return 2
    met = [show(name, import_module(f"benchmarks.{name}").run()) for name in wanted]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())

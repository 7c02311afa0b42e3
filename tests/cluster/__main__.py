"""Whether Hangar over a PostgreSQL that fails over loses nothing, does nothing twice and comes back by
itself: sets an installation up on this machine's loopback, loads it, breaks it in turn, and checks.

    python3 tests/cluster --program target/release/hangar
"""

import argparse
import pathlib
import signal
import sys

from cluster import Cluster
from faults import FAULTS
from hangar import devices
from places import Places
from run import Run

# More than the writers get through, so that only time bounds them.
_DEVICES = 200_000

# What ends a run before its time.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main():
    arguments = _arguments()
    # All ends in order, whoever ends it.
    for number in _ENDING:
        signal.signal(number, _interrupt)
    with Places(arguments.keep) as places:
        program = places.take(arguments.program)
        cluster = Cluster(places, program)
        try:
            sent = devices(program, places, seed=1, count=_DEVICES)
            return 0 if Run(cluster, sent, _faults(arguments.fault)).passes() else 1
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
        finally:
            # Nobody's second thoughts leave anything running.
            for number in _ENDING:
                signal.signal(number, signal.SIG_IGN)
            cluster.stop()


def _arguments():
    parser = argparse.ArgumentParser(prog="tests/cluster", description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", type=pathlib.Path, required=True, help="the program hangar")
    parser.add_argument("--keep", action="store_true", help="keep the directory, with all logs")
    parser.add_argument(
        "--fault",
        action="append",
        choices=[fault.name for fault in FAULTS],
        help="only this fault; may be given more than once",
    )
    return parser.parse_args()


def _faults(names):
    """Those of these names, or all."""
    return [fault for fault in FAULTS if not names or fault.name in names]


def _interrupt(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

"""Clears a run's directory away, however the run ended, also where it was killed: a process of its own
that waits for the end of its standard input, whose other end only the run holds.

    guard.py [--keep] DIRECTORY
"""

import pathlib
import shutil
import sys

from processes import sweep


def main():
    *options, directory = sys.argv[1:]
    sys.stdin.buffer.read()
    sweep(pathlib.Path(directory))
    if "--keep" not in options:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()

"""The temporary directory in which all of it happens."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

from processes import give

_GUARD = pathlib.Path(__file__).parent / "guard.py"


class Places:
    """A directory with one for each daemon. At the end whatever runs in it is killed."""

    def __init__(self, keep):
        self._keep = keep
        self.root = give(pathlib.Path(tempfile.mkdtemp(prefix="hangar-cluster-")))
        options = ["--keep"] if keep else []
        self._guard = subprocess.Popen(
            [sys.executable, _GUARD, *options, self.root],
            stdin=subprocess.PIPE,
            # Whoever ends a run with all of its group leaves this one.
            start_new_session=True,
        )

    def make(self, name):
        """A directory of this name, the unprivileged user's."""
        directory = self.root / name
        directory.mkdir(mode=0o700)
        return give(directory)

    def write(self, path, text):
        """A file that only the unprivileged user reads: some hold passwords."""
        path.touch(mode=0o600)
        path.write_text(text)
        return give(path)

    def take(self, program):
        """A copy of the program: the unprivileged user may not get to where it was built, and a new
        build is not to replace it in the middle.
        """
        copy = self.root / program.name
        shutil.copyfile(program, copy)
        copy.chmod(0o755)
        return copy

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._guard.stdin.close()
        if self._guard.wait() != 0:
            raise RuntimeError(f"not everything could be cleared away from {self.root}")
        if self._keep:
            print(f"The directory stays: {self.root}")

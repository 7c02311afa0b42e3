"""The temporary directory in which all of it happens."""

import pathlib
import shutil
import signal
import tempfile

from processes import give, sweep


class Places:
    """A directory with one for each daemon. At the end whatever runs in it is killed."""

    def __init__(self, keep):
        self._keep = keep
        self.root = give(pathlib.Path(tempfile.mkdtemp(prefix="hangar-cluster-")))

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
        # Nobody's second thoughts leave anything running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        sweep(self.root)
        if self._keep:
            print(f"The directory stays: {self.root}")
        else:
            shutil.rmtree(self.root)

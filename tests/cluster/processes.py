"""Daemons as a supervisor keeps them: started as an unprivileged user, started again a second after
they end, killed by process id. What they are stands in the files of their names.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import time

# What systemd waits at RestartSec=1.
RESTART_SECONDS = 1

# Debian's `nobody`: initdb and PostgreSQL refuse root.
_UNPRIVILEGED = 65534


def is_root():
    return os.geteuid() == 0


def unprivileged(command):
    """The command, as it is run by a user without privileges."""
    prefix = ["setpriv", "--no-new-privs"]
    if is_root():
        prefix += [f"--reuid={_UNPRIVILEGED}", f"--regid={_UNPRIVILEGED}", "--clear-groups"]
    return [*prefix, "--", *map(str, command)]


def give(path):
    """Makes this the unprivileged user's."""
    if is_root():
        os.chown(path, _UNPRIVILEGED, _UNPRIVILEGED)
    return path


def processes_in(directory):
    """Those whose working directory is this or below it. PostgreSQL's are in their data's directory,
    whoever started them; all others are where the harness put them.
    """
    directory = str(directory)
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or entry.name == str(os.getpid()):
            continue
        try:
            where = os.readlink(entry / "cwd")
        except OSError:
            # It has ended, or is somebody else's.
            continue
        if where == directory or where.startswith(directory + "/"):
            found.append(int(entry.name))
    return found


def send_signal(processes, number):
    """Signals processes by their ids; one that has ended needs none."""
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            pass


def sweep(directory):
    """Kills whatever still runs in this directory, also what is stopped or was just being started."""
    for _ in range(200):
        left = processes_in(directory)
        if not left:
            return
        send_signal(left, signal.SIGKILL)
        time.sleep(0.1)
    raise RuntimeError(f"these do not end: {left}")


class Daemon:
    """A program that runs in a directory of its own until it is stopped, however often it ends."""

    def __init__(self, name, directory, command, environment=None):
        self.name = name
        self.directory = directory
        self.log = directory / "log"
        self._command = unprivileged(command)
        self._environment = {**_plain_environment(), **(environment or {})}
        self._stopping = threading.Event()
        self._may_run = threading.Event()
        self._may_run.set()
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)

    def start(self):
        self._thread.start()

    def processes(self):
        """The ids of all that work for it."""
        return processes_in(self.directory)

    def kill(self):
        """Kills it and all that work for it, as if its machine had died. It comes back by itself."""
        send_signal(self.processes(), signal.SIGKILL)

    @contextlib.contextmanager
    def down(self):
        """Kills it, and does not let it come back for as long as this lasts: its machine is gone."""
        self._may_run.clear()
        try:
            self.kill()
            yield
        finally:
            self._may_run.set()

    @contextlib.contextmanager
    def frozen(self):
        """Stops it for as long as this lasts, with all that work for it. None of them notices."""
        send_signal(self.processes(), signal.SIGSTOP)
        try:
            yield
        finally:
            send_signal(self.processes(), signal.SIGCONT)

    def stop(self):
        """Ends it for good, without asking: nothing here is kept."""
        self._stopping.set()
        self._may_run.set()
        self.kill()

    def log_bytes(self):
        """How much it has said."""
        return self.log.stat().st_size if self.log.exists() else 0

    def said(self, began, ended=None):
        """What it said between two such sizes."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[began:ended].decode(errors="replace")

    def _keep(self):
        with open(self.log, "ab") as log:
            while not self._stopping.is_set():
                process = subprocess.Popen(
                    self._command,
                    cwd=self.directory,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C is for the harness, which ends them in order.
                    start_new_session=True,
                )
                process.wait()
                self._stopping.wait(RESTART_SECONDS)
                self._may_run.wait()


def _plain_environment():
    """No proxy between the loopback and itself, and nobody's settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }

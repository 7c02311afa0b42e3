"""Three PostgreSQL nodes under Patroni, each behind a wire of its own, and what is asked of them
directly. The settings are those that docs/postgresql.md recommends.
"""

import collections
import json
import pathlib
import re
import signal
import subprocess
import urllib.request

from haproxy import Wire
from ports import HOST, address
from processes import Daemon, processes_in, send_signal

# What is agreed upon in etcd. A primary that is not heard of for `ttl` seconds is replaced; the other
# two are the least that Patroni takes with it.
_AGREED = {
    "ttl": 20,
    "loop_wait": 2,
    "retry_timeout": 3,
    # One that crashed is not waited for: another takes over at once.
    "primary_start_timeout": 0,
    # What is acknowledged is on two nodes, and only one of the two may take over. Without a standby
    # nothing is acknowledged.
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "postgresql": {
        # How a former primary that knows more than the others comes back.
        "use_pg_rewind": True,
        "use_slots": True,
        "parameters": {
            "max_connections": 100,
            "shared_buffers": "64MB",
            "synchronous_commit": "on",
            # A peer that was cut off is not talked to for ever.
            "wal_receiver_timeout": "10s",
            "wal_sender_timeout": "10s",
            "tcp_user_timeout": "15s",
        },
    },
}

_Ends = collections.namedtuple("_Ends", "postgres patroni etcd")


class Node:
    """One PostgreSQL with its Patroni."""

    def __init__(self, name, places, ports, etcd, passwords):
        self.name = name
        self._ends = _Ends(ports.pop(), ports.pop(), etcd.client_ports)
        self.wire = Wire(places, f"wire-of-{name}", ports, self._ends)
        directory = places.make(name)
        self._data = directory / "data"
        self._section = etcd.section
        settings = directory / "patroni.json"
        # JSON is YAML too, which is what Patroni reads.
        text = json.dumps(self._settings(directory, passwords), indent=1)
        places.write(settings, text)
        self.daemon = Daemon(name, directory, ["patroni", settings])

    def _settings(self, directory, passwords):
        users = {
            part: {"username": user, "password": passwords[user]}
            for part, user in [
                ("superuser", "postgres"),
                ("replication", "replicator"),
                ("rewind", "rewinder"),
            ]
        }
        wire = self.wire
        return {
            "scope": "hangar",
            "name": self.name,
            "restapi": {
                "listen": address(self._ends.patroni),
                "connect_address": address(wire.patroni),
            },
            # Otherwise it asks the members for their own addresses, past the wire.
            self._section: {"hosts": [address(port) for port in wire.etcd], "use_proxies": True},
            "bootstrap": {
                "dcs": _AGREED,
                "initdb": ["data-checksums", {"encoding": "UTF8"}, {"locale": "C.UTF-8"}],
            },
            "postgresql": {
                "listen": address(self._ends.postgres),
                "connect_address": address(wire.postgres),
                "data_dir": str(self._data),
                "bin_dir": str(_programs()),
                "pgpass": str(directory / "pgpass"),
                "authentication": users,
                "pg_hba": [
                    "local all all scram-sha-256",
                    f"host all all {HOST}/32 scram-sha-256",
                    f"host replication replicator {HOST}/32 scram-sha-256",
                ],
                "parameters": {
                    "unix_socket_directories": str(directory),
                    "password_encryption": "scram-sha-256",
                    # Hangar's own log says what failed.
                    "log_min_error_statement": "panic",
                },
            },
        }

    def kill_postgres(self):
        """Kills the server and all its processes. Its Patroni is left to notice."""
        send_signal(processes_in(self._data), signal.SIGKILL)

    def is_primary(self):
        """Whether its Patroni says so, asked past the wire."""
        return self._asked("primary") is not None

    def says(self):
        """What its Patroni knows of it, or nothing."""
        return self._asked("patroni")

    def _asked(self, what):
        url = f"http://{address(self._ends.patroni)}/{what}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return json.load(answer)
        except OSError:
            return None


class Nodes:
    """The three of them, found by what they are just now."""

    def __init__(self, places, ports, etcd, passwords):
        self._passwords = passwords
        self.all = [
            Node(f"postgres-{number}", places, ports, etcd, passwords) for number in range(1, 4)
        ]

    def primary(self):
        """The node that is the primary, or nothing while none is."""
        return next((node for node in self.all if node.is_primary()), None)

    def is_whole(self):
        """Whether there is one primary, two standbys that receive from it, and one of them is known in
        etcd to have all. Without that last nobody may take over, and a primary that is killed is started
        again in its place: for some seconds after a failover the primary waits for any standby, and
        commits, while etcd names none yet.
        """
        said = [node.says() for node in self.all]
        if not all(one and one.get("state") == "running" for one in said):
            return False
        if len({one.get("timeline") for one in said}) != 1:
            return False
        primaries = [one for one in said if one["role"] in ("master", "primary")]
        if len(primaries) != 1:
            return False
        standbys = primaries[0].get("replication", [])
        receiving = {
            one["application_name"]: one["sync_state"]
            for one in standbys
            if one["state"] == "streaming"
        }
        named = [node.name for node, one in zip(self.all, said) if one.get("sync_standby")]
        return len(receiving) == 2 and [receiving.get(name) for name in named] == ["sync"]

    def query(self, port, sql, database="hangar"):
        """The rows that the primary answers, each a list of texts; asked through HAProxy."""
        command = [_programs() / "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", HOST, "-p", str(port), "-U", "postgres", "-d", database, "-c", sql]
        environment = {"PGPASSWORD": self._passwords["postgres"], "PGCONNECT_TIMEOUT": "5"}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]


def _programs():
    """Where Debian has the newest PostgreSQL's programs."""
    versions = [
        path.parent
        for path in pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if re.fullmatch(r"\d+", path.parts[-3])
    ]
    if not versions:
        raise RuntimeError("PostgreSQL is not installed")
    return max(versions, key=lambda path: int(path.parts[-2]))

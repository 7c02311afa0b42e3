"""etcd with three members: who is the primary is agreed upon here."""

import collections
import json
import re
import subprocess
import urllib.request

from ports import HOST, address
from processes import Daemon


# How Patroni speaks with etcd: the name of its section, and what etcd needs for it.
_Protocol = collections.namedtuple("_Protocol", "section flags")


class Etcd:
    """The members, in an order that stays."""

    def __init__(self, places, ports):
        names = [f"etcd-{number}" for number in range(1, 4)]
        self.section = _protocol().section
        self.client_ports = [ports.pop() for _ in names]
        peers = [f"http://{address(ports.pop())}" for _ in names]
        cluster = ",".join(f"{name}={peer}" for name, peer in zip(names, peers))
        self.members = []
        for name, port, peer in zip(names, self.client_ports, peers):
            client = f"http://{address(port)}"
            directory = places.make(name)
            command = ["etcd", "--name", name, "--data-dir", directory / "data"]
            command += ["--listen-client-urls", client, "--advertise-client-urls", client]
            command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
            command += ["--initial-cluster", cluster, "--initial-cluster-token", "hangar"]
            # All three share one disk: they are not to take its slowness for a member's death.
            command += ["--heartbeat-interval", "250", "--election-timeout", "2500"]
            command += ["--log-level", "warn", "--logger", "zap", *_protocol().flags]
            self.members.append(Daemon(name, directory, command))

    def leader(self):
        """The member that leads, or nothing while none is known to."""
        for member, port in zip(self.members, self.client_ports):
            status = _status(port)
            if status and status["leader"] == status["header"]["member_id"]:
                return member
        return None

    def is_whole(self):
        """Whether every member answers and follows the same leader."""
        leaders = {(_status(port) or {}).get("leader") for port in self.client_ports}
        return len(leaders) == 1 and None not in leaders


def _status(port):
    request = urllib.request.Request(
        f"http://{HOST}:{port}/v3/maintenance/status", data=b"{}", method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:
            status = json.load(answer)
    except OSError:
        return None
    # Without a leader the number is absent.
    return status if "leader" in status else None


def _protocol():
    """The newer protocol where it is safe. Before 3.0.3 a Patroni that wakes after its time has run out
    overwrites whoever has become the leader since (patroni/patroni#2689), and what that one acknowledged
    is lost; over the older protocol it compares first. Debian 12 has 3.0.2.
    """
    said = subprocess.run(["patroni", "--version"], capture_output=True, text=True, check=True)
    version = tuple(map(int, re.findall(r"\d+", said.stdout)))
    if version >= (3, 0, 3):
        return _Protocol("etcd3", [])
    return _Protocol("etcd", ["--enable-v2=true"])

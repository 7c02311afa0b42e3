"""HAProxy, in two offices: it finds the primary for Hangar, and it is the wire of each database node,
which can be cut.
"""

from ports import address
from processes import Daemon

_DEFAULTS = """\
global
    maxconn 1000
defaults
    mode tcp
    timeout connect 2s
    # A session that listens is silent for as long as nothing happens.
    timeout client 1h
    timeout server 1h
    option clitcpka
    option srvtcpka
"""


def front(places, port, nodes):
    """What Hangar connects to: the node whose Patroni says that it is the primary."""
    lines = [
        "listen primary",
        f"    bind {address(port)}",
        # Not GET: the check hangs up after the status, and Patroni would log that each time.
        "    option httpchk OPTIONS /primary",
        "    http-check expect status 200",
        "    timeout check 2s",
        # Sessions with a node that is not the primary are closed: one that was cut off answers never.
        "    default-server inter 1s fall 3 rise 1 on-marked-down shutdown-sessions",
    ]
    for node in nodes:
        wire = node.wire
        lines.append(f"    server {node.name} {address(wire.postgres)} check port {wire.patroni}")
    return _daemon(places, "haproxy", lines)


class Wire:
    """All that a database node has to do with others: who asks its PostgreSQL or its Patroni comes this
    way, and so does its Patroni to etcd. While its process is stopped nothing passes, and nobody is
    told so: neither a refusal nor an end, as with a cable that is out.
    """

    def __init__(self, places, name, ports, ends):
        self.postgres, self.patroni = ports.pop(), ports.pop()
        self.etcd = [ports.pop() for _ in ends.etcd]
        passages = [
            (self.postgres, ends.postgres),
            (self.patroni, ends.patroni),
            *zip(self.etcd, ends.etcd),
        ]
        lines = []
        for near, far in passages:
            lines += [
                f"listen passage-{near}",
                f"    bind {address(near)}",
                f"    server end {address(far)}",
            ]
        self.daemon = _daemon(places, name, lines)

    def cut(self):
        """Cuts it for as long as this lasts."""
        return self.daemon.frozen()


def _daemon(places, name, lines):
    directory = places.make(name)
    places.write(directory / "haproxy.cfg", _DEFAULTS + "\n".join(lines) + "\n")
    return Daemon(name, directory, ["haproxy", "-db", "-f", directory / "haproxy.cfg"])

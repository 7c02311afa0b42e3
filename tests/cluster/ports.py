"""Free ports of the loopback."""

import random
import socket

# Below those from which Linux takes the near ends of connections: a daemon that was killed finds its
# port free when it comes back.
_RANGE = range(20000, 32000)

HOST = "127.0.0.1"


def free_ports(count):
    """So many ports on which nobody listens, all different."""
    found = []
    candidates = random.sample(_RANGE, len(_RANGE))
    while len(found) < count:
        port = candidates.pop()
        with socket.socket() as trial:
            try:
                trial.bind((HOST, port))
            except OSError:
                continue
        found.append(port)
    return found


def address(port):
    """The port with its host, as most programs want it."""
    return f"{HOST}:{port}"

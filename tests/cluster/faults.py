"""What is done to the installation, one after the other, to one that is whole. Each returns when it is
done; what was killed comes back by itself, and what was cut or stopped has been mended.
"""

import collections
import time

from cluster import wait_until

# `limit_seconds` is how long a server may acknowledge nothing.
Fault = collections.namedtuple("Fault", "name limit_seconds happen")

_FAILOVER_SECONDS = 60
_ELSEWHERE_SECONDS = 15

# How long a node that has been replaced, and does not know it, stays away.
_REPLACED_SECONDS = 6


def _nothing(_cluster):
    pass


def _kill_a_server(cluster):
    cluster.servers[0].daemon.kill()


def _kill_the_primary(cluster):
    # Its Patroni lives and gives the key up at once. Should it start the server again in its place
    # instead, because just then no standby answers it, that is as well.
    _primary(cluster).kill_postgres()


def _kill_a_member(cluster):
    # The one that leads: the others have to agree on another first.
    wait_until("etcd has a leader", cluster.etcd.leader).kill()


def _kill_the_primary_and_its_successor(cluster):
    """The first as a machine that dies, and stays away until it has a successor: a Patroni that is back
    before its key runs out takes it up again, and there would be no failover to be disturbed. The
    second is killed as soon as it says that it is the primary: before Hangar has been led to it, and
    before it has a standby. Nobody may take over from it, so that its Patroni starts it again.
    """
    first = _primary(cluster)
    with first.daemon.down():
        _successor(cluster, first).kill_postgres()


def _cut_the_primary_off(cluster):
    """The node goes on, and neither clients, standbys nor etcd reach it, nor it them. Its processes
    could be stopped instead; but one that is stopped can't do harm, and this one could: it has clients'
    transactions at hand, and does not know that it has been replaced.
    """
    node = _primary(cluster)
    with node.wire.cut():
        _successor(cluster, node)
        time.sleep(_REPLACED_SECONDS)


def _freeze_the_primary(cluster):
    """As a virtual machine that is paused: it wakes and believes that no time has passed."""
    node = _primary(cluster)
    with node.daemon.frozen():
        _successor(cluster, node)
        time.sleep(_REPLACED_SECONDS)


def _primary(cluster):
    return wait_until("there is a primary", cluster.nodes.primary)


def _successor(cluster, node):
    """Another node, once it is the primary."""

    def successor():
        return next((one for one in cluster.nodes.all if one is not node and one.is_primary()), None)

    return wait_until(f"another node than {node.name} is the primary", successor)


FAULTS = [
    Fault("none", _ELSEWHERE_SECONDS, _nothing),
    Fault("hangar killed", _ELSEWHERE_SECONDS, _kill_a_server),
    Fault("primary killed", _FAILOVER_SECONDS, _kill_the_primary),
    Fault("etcd leader killed", _ELSEWHERE_SECONDS, _kill_a_member),
    Fault("primary killed twice", _FAILOVER_SECONDS, _kill_the_primary_and_its_successor),
    Fault("primary cut off", _FAILOVER_SECONDS, _cut_the_primary_off),
    Fault("primary frozen", _FAILOVER_SECONDS, _freeze_the_primary),
]

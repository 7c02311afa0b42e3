"""What is done to the installation, one after the other. Each returns when it is done; what was killed
comes back by itself, and what was cut or stopped has been mended.
"""

import collections
import time

from cluster import wait_until

# `limit_seconds` is how long a server may acknowledge nothing.
Fault = collections.namedtuple("Fault", "name limit_seconds happen")

_FAILOVER_SECONDS = 60
_ELSEWHERE_SECONDS = 15

# Longer than Patroni's ttl, so that another node takes over meanwhile and for a while is the only one.
_CUT_SECONDS = 35


def _nothing(_cluster):
    pass


def _kill_a_server(cluster):
    cluster.servers[0].daemon.kill()


def _kill_the_primary(cluster):
    _primary(cluster).kill_postgres()


def _kill_a_member(cluster):
    # The one that leads: the others have to agree on another first.
    wait_until("etcd has a leader", cluster.etcd.leader).kill()


def _kill_the_primary_and_its_successor(cluster):
    """The second is killed as soon as it says that it is the primary: before Hangar has been led to it,
    and before it has a standby.
    """
    first = _primary(cluster)
    first.kill_postgres()

    def successor():
        found = cluster.nodes.primary()
        return found if found is not first else None

    wait_until("another node is the primary", successor).kill_postgres()


def _cut_the_primary_off(cluster):
    """The node goes on, and neither clients, standbys nor etcd reach it, nor it them. Its processes
    could be stopped instead; but one that is stopped can't do harm, and this one could: it has clients'
    transactions at hand, and does not know that it has been replaced.
    """
    node = _primary(cluster)
    node.wire.cut()
    try:
        time.sleep(_CUT_SECONDS)
    finally:
        node.wire.mend()


def _freeze_the_primary(cluster):
    """As a virtual machine that is paused: it wakes and believes that no time has passed."""
    node = _primary(cluster)
    node.daemon.freeze()
    try:
        time.sleep(_CUT_SECONDS)
    finally:
        node.daemon.thaw()


def _primary(cluster):
    return wait_until("there is a primary", cluster.nodes.primary)


FAULTS = [
    Fault("none", _ELSEWHERE_SECONDS, _nothing),
    Fault("hangar killed", _ELSEWHERE_SECONDS, _kill_a_server),
    Fault("primary killed", _FAILOVER_SECONDS, _kill_the_primary),
    Fault("etcd leader killed", _ELSEWHERE_SECONDS, _kill_a_member),
    Fault("primary killed twice", _FAILOVER_SECONDS, _kill_the_primary_and_its_successor),
    Fault("primary cut off", _FAILOVER_SECONDS, _cut_the_primary_off),
    Fault("primary frozen", _FAILOVER_SECONDS, _freeze_the_primary),
]

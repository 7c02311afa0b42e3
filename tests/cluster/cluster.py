"""The whole installation, and whether it is whole."""

import secrets
import time

import haproxy
from etcd import Etcd
from hangar import TENANTS, Authority, Server
from ports import free_ports
from postgres import Nodes

# How long the installation may take to come up, and a fault until its effect is seen.
PATIENCE_SECONDS = 120


class Stuck(Exception):
    """Something that was waited for did not happen."""


def wait_until(what, is_so, seconds=PATIENCE_SECONDS):
    """Waits for what is true once this answers something, and answers that."""
    deadline = time.monotonic() + seconds
    while True:
        answer = is_so()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Stuck(f"after {seconds} s still not: {what}")
        time.sleep(0.2)


class Cluster:
    """etcd, PostgreSQL under Patroni, HAProxy and Hangar, three of each but HAProxy."""

    def __init__(self, places, program):
        ports = free_ports(60)
        passwords = {
            user: secrets.token_hex(16)
            for user in ["postgres", "replicator", "rewinder", "hangar"]
        }
        self.etcd = Etcd(places, ports)
        self.nodes = Nodes(places, ports, self.etcd, passwords)
        self._front_port = ports.pop()
        self._front = haproxy.front(places, self._front_port, self.nodes.all)
        self._authority = Authority(places, program, ports)
        self._password = passwords["hangar"]
        url = f"postgres://hangar:{self._password}@127.0.0.1:{self._front_port}/hangar"
        self.servers = [
            Server(f"hangar-{number}", places, program, ports, url, self._authority.issuer)
            for number in range(1, 4)
        ]
        self.tokens = {}

    def start(self):
        """Brings it up, piece by piece, and returns when it is whole."""
        self._start(*self.etcd.members)
        wait_until("etcd agrees", self.etcd.is_whole)
        self._start(*(node.wire.daemon for node in self.nodes.all), self._authority.daemon)
        self._start(*(node.daemon for node in self.nodes.all), self._front)
        wait_until("PostgreSQL has its standbys", self.nodes.is_whole)
        wait_until("the primary is found by HAProxy", self._is_prepared)
        wait_until("tokens are issued", self._authority.is_ready)
        self.tokens = {name: self._authority.token(name) for name in TENANTS}
        self._start(*(server.daemon for server in self.servers))
        wait_until("everything is whole", self.is_whole)

    def is_whole(self):
        """Whether every part does what it is there for."""
        return (
            self.etcd.is_whole()
            and self.nodes.is_whole()
            and all(server.is_ready() for server in self.servers)
        )

    def query(self, sql):
        """What the primary answers, asked through HAProxy as Hangar asks."""
        return self.nodes.query(self._front_port, sql)

    def daemons(self):
        """Every daemon there is."""
        wires = [node.wire.daemon for node in self.nodes.all]
        databases = [node.daemon for node in self.nodes.all]
        servers = [server.daemon for server in self.servers]
        return [*self.etcd.members, *wires, *databases, self._front, self._authority.daemon, *servers]

    def stop(self):
        """Ends every daemon for good."""
        for daemon in self.daemons():
            daemon.stop()

    def _start(self, *daemons):
        for daemon in daemons:
            daemon.start()

    def _is_prepared(self):
        """Makes Hangar's user and its database, which is all that it needs."""
        try:
            for statement in [
                f"CREATE ROLE hangar LOGIN PASSWORD '{self._password}'",
                "CREATE DATABASE hangar OWNER hangar",
            ]:
                self.nodes.query(self._front_port, statement, database="postgres")
        except RuntimeError:
            return False
        return True

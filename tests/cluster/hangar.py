"""Hangar as it is run in production, three processes over one database; and a fourth with `--dev`
that does nothing but vouch for who is calling.
"""

import json
import subprocess
import urllib.request

from ports import HOST, address
from processes import Daemon, unprivileged

# Of the development authority's users.toml. Two, because the ledger is one for all tenants.
TENANTS = {
    "contoso": "aaaaaaaa-0000-4000-8000-00000000000a",
    "fabrikam": "bbbbbbbb-0000-4000-8000-00000000000b",
}

# Of requests only those that fail tell anything here.
_LOG = "info,hangar::http::layers::access_log=warn"

_SETTINGS = ["--auth-audiences", "https://graph.microsoft.com", "--auth-any-tenant", "true"]
_SETTINGS += ["--log-level", _LOG]


class Authority:
    """Whoever issues the tokens. It has no part in any fault."""

    def __init__(self, places, program, ports):
        self._program = program
        self._port, admin, tls = ports.pop(), ports.pop(), ports.pop()
        directory = places.make("authority")
        self._data = directory / "data"
        command = [program, "serve", "--dev", "--data-dir", self._data]
        command += ["--listen", address(self._port), "--admin-listen", address(admin)]
        command += ["--tls-listen", address(tls)]
        self.daemon = Daemon("authority", directory, command)
        self.issuer = f"http://{address(self._port)}/{{tenantid}}/v2.0"

    def token(self, tenant):
        """A token of the tenant's administrator that outlives the run."""
        command = [self._program, "token", "--data-dir", self._data]
        command += ["--tenant", tenant, "--lifetime", "1h"]
        done = subprocess.run(
            unprivileged(command), cwd=self._data, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def is_ready(self):
        return self._data.is_dir() and is_answered(self._port, "/beta/$metadata")


class Server:
    """One `hangar serve`."""

    def __init__(self, name, places, program, ports, database_url, issuer):
        self.name = name
        self.port, self._admin = ports.pop(), ports.pop()
        directory = places.make(name)
        command = [program, "serve", "--data-dir", directory / "data"]
        command += ["--listen", address(self.port), "--admin-listen", address(self._admin)]
        command += ["--auth-issuers", issuer, *_SETTINGS]
        # Not a flag: it holds a password.
        environment = {"HANGAR_DATABASE__URL": database_url}
        self.daemon = Daemon(name, directory, command, environment)

    def is_ready(self):
        return is_answered(self._admin, "/readyz")


def is_answered(port, path):
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=5):
            return True
    except OSError:
        return False


def devices(program, places, seed, count):
    """So many invented devices that nobody else has, as bodies of a POST, made as they are taken."""
    command = [program, "hash", "generate", "--wire", "--count", str(count), "--seed", str(seed)]
    made = subprocess.Popen(
        unprivileged(command), cwd=places.make("devices"), stdout=subprocess.PIPE
    )
    return map(json.loads, made.stdout)

"""What is there after all: read through the API as clients do, and counted in the database."""

import collections
import json

from hangar import TENANTS
from load import Connection

# An import or a device as a reader finds it. Of a device `status` and `device` are nothing.
Row = collections.namedtuple("Row", "tenant id serial status device")

# What the checks look at. Registrations are the import ids that the audit says were registered.
Kept = collections.namedtuple(
    "Kept", "imports devices imports_in_database devices_in_database registrations"
)

_MANAGEMENT = "/beta/deviceManagement"
_IMPORTS = f"{_MANAGEMENT}/importedWindowsAutopilotDeviceIdentities"
_DEVICES = f"{_MANAGEMENT}/windowsAutopilotDeviceIdentities"
_UNSETTLED = "/$count?$filter=state/deviceImportStatus%20eq%20'unknown'"

_STATES = {"0": "unknown", "3": "complete", "4": "error"}


def unsettled(server, tokens):
    """How many imports wait for a decision, or nothing if the server does not say."""
    total = 0
    for token in tokens.values():
        answer = Connection(server, token).ask("GET", _IMPORTS + _UNSETTLED)
        if answer.status != 200:
            return None
        total += int(answer.body.decode("utf-8-sig"))
    return total


def read(server, tokens, query):
    """All that is kept. `query` answers rows of the primary."""
    imports, devices = [], []
    for tenant, token in tokens.items():
        connection = Connection(server, token)
        for one in _listed(connection, f"{_IMPORTS}?$select=id,serialNumber,state"):
            state = one["state"]
            device = state["deviceRegistrationId"] or None
            status = state["deviceImportStatus"]
            imports.append(Row(tenant, one["id"], one["serialNumber"], status, device))
        for one in _listed(connection, f"{_DEVICES}?$select=id,serialNumber"):
            devices.append(Row(tenant, one["id"], one["serialNumber"], None, None))
    return Kept(imports, devices, *_in_database(tokens, query))


def _listed(connection, path):
    """Every entity of a collection, page by page."""
    while path:
        answer = connection.ask("GET", path)
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} to GET {path}: {answer.body[:300]!r}")
        page = json.loads(answer.body)
        yield from page["value"]
        link = page.get("@odata.nextLink")
        # The link names the address that was asked.
        path = link and link[link.index(_MANAGEMENT) :]


def _in_database(tokens, query):
    names = {TENANTS[name]: name for name in tokens}
    imports = [
        Row(names[tenant], key, serial, _STATES[state], device or None)
        for tenant, key, serial, state, device in query(
            "SELECT tenant, id, serial_number, state, device FROM import"
        )
    ]
    devices = [
        Row(names[tenant], key, serial, None, None)
        for tenant, key, serial in query("SELECT tenant, id, serial_number FROM device")
    ]
    registrations = [
        key for (key,) in query("SELECT import FROM audit WHERE action = 'import-registered'")
    ]
    return imports, devices, registrations

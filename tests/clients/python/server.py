"""The server under test, as `cargo xtask test` started it: its addresses, its tokens, and devices that
nobody has. What is asked of it stands in the tests.
"""

import asyncio
import base64
import itertools
import json
import os
import subprocess
import time
import unittest

from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph_beta import GraphRequestAdapter, GraphServiceClient
from msgraph_beta.generated.models.imported_windows_autopilot_device_identity import (
    ImportedWindowsAutopilotDeviceIdentity,
)
from msgraph_beta.generated.models.o_data_errors.o_data_error import ODataError

PROGRAM = os.environ["SERVER_PROGRAM"]
DIRECTORY = os.environ["SERVER_DIRECTORY"]
URL = os.environ["SERVER_HTTPS"]
OBSERVED = os.environ["SERVER_BEHAVIOR"] == "observed"

# How long anything may take, in seconds.
PATIENCE = 30

_seeds = itertools.count(1)
_adapters = []


def hangar(*arguments):
    """What the program prints."""
    return subprocess.run(
        [PROGRAM, *arguments], cwd=DIRECTORY, check=True, capture_output=True, text=True
    ).stdout.strip()


class Credential:
    """Gives the token that `hangar token` prints for these arguments, as azure.identity would."""

    def __init__(self, *arguments):
        self.token = hangar("token", *arguments)

    def get_token(self, *_scopes, **_options):
        return AccessToken(self.token, int(time.time()) + 3600)


def client(credential):
    """The SDK's client as anybody makes it, with one difference: the adapter's base url."""
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["127.0.0.1"]
    )
    adapter = GraphRequestAdapter(provider)
    _adapters.append(adapter)
    adapter.base_url = f"{URL}/beta"
    return GraphServiceClient(request_adapter=adapter)


def device():
    """An import of a device that no test has sent."""
    wire = json.loads(hangar("hash", "generate", "--wire", "--seed", str(next(_seeds))))
    return ImportedWindowsAutopilotDeviceIdentity(
        serial_number=wire["serialNumber"],
        hardware_identifier=base64.b64decode(wire["hardwareIdentifier"]),
    )


class Case(unittest.IsolatedAsyncioTestCase):
    """A test with the administrator's client."""

    def setUp(self):
        self.use(Credential())

    def use(self, credential):
        """Asks with this credential from here on."""
        self.graph = client(credential)
        self.imports = self.graph.device_management.imported_windows_autopilot_device_identities
        self.devices = self.graph.device_management.windows_autopilot_device_identities

    async def asyncSetUp(self):
        # Otherwise every import of the SDK's that takes a while is reported as a slow callback.
        asyncio.get_running_loop().set_debug(False)

    async def asyncTearDown(self):
        while _adapters:
            await _adapters.pop()._http_client.aclose()

    def one_import(self, key):
        return self.imports.by_imported_windows_autopilot_device_identity_id(key)

    def one_device(self, key):
        return self.devices.by_windows_autopilot_device_identity_id(key)

    async def settled(self, key):
        """The import, once its state is no longer the `unknown` that scripts wait out."""
        return await self.until(
            self.one_import(key).get,
            lambda found: found.state.device_import_status.value != "unknown",
        )

    async def until(self, ask, enough):
        """The first answer that is enough."""
        deadline = time.monotonic() + PATIENCE
        while not enough(answer := await ask()):
            self.assertLess(time.monotonic(), deadline, "it does not happen")
            await asyncio.sleep(0.05)
        return answer

    async def registered(self, entity=None):
        """Sends an import, a new device's unless another is given: the settled import."""
        accepted = await self.imports.post(entity or device())
        settled = await self.settled(accepted.id)
        self.assertEqual(settled.state.device_import_status.value, "complete", settled.state)
        return settled

    async def refused(self, asked, status, code, message):
        """Checks that the SDK raises its own error with this status and code, and a message that
        holds this text. The live service wraps its message in a JSON document of its own.
        """
        with self.assertRaises(ODataError) as raised:
            await asked
        error = raised.exception
        self.assertEqual(error.response_status_code, status)
        self.assertEqual(error.error.code, code)
        self.assertIn(message, error.primary_message)
        if OBSERVED:
            self.assertIn(message, json.loads(error.primary_message)["Message"])
        self.assertEqual(len(error.error.inner_error.request_id), 36)
        self.assertIsNotNone(error.error.inner_error.date)

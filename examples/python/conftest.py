"""The server that `hangar rehearse run` has started, and a client of Microsoft's SDK for it."""

import base64
import json
import os
import subprocess
import time
import urllib.request

import pytest
from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph_beta import GraphRequestAdapter, GraphServiceClient
from msgraph_beta.generated.models.imported_windows_autopilot_device_identity import (
    ImportedWindowsAutopilotDeviceIdentity,
)

# Read by the SDK's HTTP client.
os.environ["SSL_CERT_FILE"] = os.environ["HANGAR_CA"]


class Credential:
    """Gives the token of the tenant's administrator. With a rehearsal, azure-identity could as well."""

    def get_token(self, *_scopes, **_options):
        return AccessToken(os.environ["HANGAR_TOKEN"], int(time.time()) + 3600)


@pytest.fixture
def graph():
    """The SDK's client as anybody makes it, with one difference: the adapter's base url."""
    provider = AzureIdentityAuthenticationProvider(
        Credential(),
        scopes=["https://graph.microsoft.com/.default"],
        allowed_hosts=["127.0.0.1"],
    )
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = f"{os.environ['HANGAR_URL']}/beta"
    return GraphServiceClient(request_adapter=adapter)


@pytest.fixture
def rehearsal():
    """Directs the rehearsal: `rehearsal("clock/advance", by="15m")`."""
    # The server is on this machine, whatever proxy there is.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def direct(path, **body):
        address = f"{os.environ['HANGAR_ADMIN_URL']}/rehearsal/{path}"
        with opener.open(address, json.dumps(body).encode()) as answer:
            return json.load(answer)

    return direct


@pytest.fixture
def device():
    """The import of a device that nobody has, as `device(seed)`."""

    def make(seed, **properties):
        command = ["hangar", "hash", "generate", "--wire", "--seed", str(seed)]
        wire = json.loads(subprocess.check_output(command))
        return ImportedWindowsAutopilotDeviceIdentity(
            serial_number=wire["serialNumber"],
            hardware_identifier=base64.b64decode(wire["hardwareIdentifier"]),
            **properties,
        )

    return make

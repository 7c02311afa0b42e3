"""The server under test, as `cargo xtask test` started it, and what everybody knows of it. How a library
is told of it stands in the tests.
"""

import base64
import json
import os

import requests

URL = os.environ["SERVER_HTTPS"]

TENANT = "aaaaaaaa-0000-4000-8000-00000000000a"
AUTHORITY = f"{URL}/{TENANT}"

# A client that users sign in with, and one that acts for itself.
PUBLIC = "cccccccc-0000-4000-8000-000000000001"
DAEMON = "cccccccc-0000-4000-8000-000000000002"
SECRET = "hangar"

ADMINISTRATOR = "administrator@contoso.example"
READER = "reader@contoso.example"
PASSWORD = "hangar"

SCOPES = ["https://graph.microsoft.com/.default"]


def status(token):
    """What the API answers to somebody with this token who asks for devices."""
    address = f"{URL}/beta/deviceManagement/windowsAutopilotDeviceIdentities"
    return requests.get(address, headers={"Authorization": f"Bearer {token}"}).status_code


def claims(token):
    """What a token says."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

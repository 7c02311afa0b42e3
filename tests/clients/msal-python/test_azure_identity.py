"""azure-identity, with nothing but its own settings: every credential that a person or a program without
Azure around it uses, and the tokens at the API.
"""

import os
import unittest
import urllib.parse
import warnings
from unittest import mock

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthorizationCodeCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    EnvironmentCredential,
    InteractiveBrowserCredential,
    UsernamePasswordCredential,
)

from browser import Browser, use_browser
from server import (
    ADMINISTRATOR,
    DAEMON,
    PASSWORD,
    PUBLIC,
    READER,
    SCOPES,
    SECRET,
    TENANT,
    URL,
    claims,
    status,
)
from tunnel import Tunnel

HERE = {"authority": URL, "disable_instance_discovery": True}
use_browser()

REDIRECT = "http://localhost:4321/back"


class AzureIdentity(unittest.TestCase):
    def setUp(self):
        warnings.simplefilter("ignore")

    def works(self, credential, name=ADMINISTRATOR):
        """Checks that the credential gives tokens of this user's which the API takes."""
        token = credential.get_token(*SCOPES).token
        self.assertEqual(claims(token)["preferred_username"], name)
        self.assertEqual(status(token), 200)
        self.assertEqual(credential.get_token(*SCOPES).token, token)

    def test_a_client_secret(self):
        credential = ClientSecretCredential(TENANT, DAEMON, SECRET, **HERE)
        token = credential.get_token(*SCOPES).token
        self.assertEqual(claims(token)["idtyp"], "app")
        self.assertEqual(status(token), 200)

    def test_a_wrong_client_secret(self):
        credential = ClientSecretCredential(TENANT, DAEMON, "wrong", **HERE)
        with self.assertRaisesRegex(ClientAuthenticationError, "AADSTS7000215"):
            credential.get_token(*SCOPES)

    def test_the_environment(self):
        variables = {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": DAEMON,
            "AZURE_CLIENT_SECRET": SECRET,
            "AZURE_AUTHORITY_HOST": URL,
        }
        with mock.patch.dict(os.environ, variables):
            credential = EnvironmentCredential(disable_instance_discovery=True)
            self.assertEqual(status(credential.get_token(*SCOPES).token), 200)

    def test_a_device_code(self):
        shown = []
        credential = DeviceCodeCredential(
            PUBLIC, tenant_id=TENANT, prompt_callback=lambda *said: shown.append(said), **HERE
        )
        self.works(credential)
        [(page, code, _)] = shown
        self.assertTrue(page.startswith(URL))
        self.assertEqual(len(code), 8)

    def test_a_device_code_that_a_person_signs_in_for(self):
        def sign_in(page, code, _):
            Browser(READER).enter_code(page, code)

        credential = DeviceCodeCredential(PUBLIC, tenant_id=TENANT, prompt_callback=sign_in, **HERE)
        self.works(credential, READER)

    def test_a_name_and_a_password(self):
        with Tunnel() as proxy:
            credential = UsernamePasswordCredential(
                PUBLIC,
                ADMINISTRATOR,
                PASSWORD,
                tenant_id=TENANT,
                proxies={"https": proxy},
                **HERE,
            )
            self.works(credential)

    def test_a_browser(self):
        credential = InteractiveBrowserCredential(
            tenant_id=TENANT, client_id=PUBLIC, timeout=30, **HERE
        )
        record = credential.authenticate(scopes=SCOPES)
        self.works(credential)
        self.assertEqual(record.username, ADMINISTRATOR)
        self.assertEqual(record.tenant_id, TENANT)

    def test_a_code(self):
        address = f"{URL}/{TENANT}/oauth2/v2.0/authorize?" + urllib.parse.urlencode(
            {
                "client_id": DAEMON,
                "response_type": "code",
                "redirect_uri": REDIRECT,
                "scope": " ".join(SCOPES),
            }
        )
        browser = Browser(ADMINISTRATOR)
        page = browser.open(address)
        form = {**page.fields, "username": ADMINISTRATOR, "password": PASSWORD}
        led = browser.session.post(page.action, data=form, allow_redirects=False)
        query = urllib.parse.urlsplit(led.headers["location"]).query
        [code] = urllib.parse.parse_qs(query)["code"]
        self.works(
            AuthorizationCodeCredential(
                TENANT, DAEMON, code, REDIRECT, client_secret=SECRET, **HERE
            )
        )


if __name__ == "__main__":
    unittest.main()

"""MSAL for Python, with nothing but its own settings: every way to a token, and the tokens at the API."""

import unittest
import urllib.parse
import warnings

import msal
import requests

from browser import Browser, use_browser
from server import (
    ADMINISTRATOR,
    AUTHORITY,
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

use_browser()

REDIRECT = "http://localhost:4321/back"


def public(**options):
    options = {"authority": AUTHORITY, "instance_discovery": False, **options}
    return msal.PublicClientApplication(PUBLIC, **options)


class Msal(unittest.TestCase):
    def setUp(self):
        # MSAL would rather not have responses in the address, and passwords not at all.
        warnings.simplefilter("ignore")

    def works(self, result, name=ADMINISTRATOR):
        """Checks that the result is a token of this user's which the API takes."""
        self.assertIn("access_token", result, result)
        self.assertEqual(claims(result["access_token"])["preferred_username"], name)
        self.assertEqual(status(result["access_token"]), 200)

    def test_a_client_secret(self):
        app = msal.ConfidentialClientApplication(
            DAEMON, client_credential=SECRET, authority=AUTHORITY, instance_discovery=False
        )
        result = app.acquire_token_for_client(SCOPES)
        self.assertIn("access_token", result, result)
        self.assertEqual(claims(result["access_token"])["idtyp"], "app")
        self.assertEqual(status(result["access_token"]), 200)
        again = app.acquire_token_for_client(SCOPES)
        self.assertEqual(again["token_source"], "cache")

    def test_a_wrong_client_secret(self):
        app = msal.ConfidentialClientApplication(
            DAEMON, client_credential="wrong", authority=AUTHORITY, instance_discovery=False
        )
        result = app.acquire_token_for_client(SCOPES)
        self.assertEqual(result["error"], "invalid_client")
        self.assertEqual(result["error_codes"], [7000215])
        self.assertTrue(result["error_description"].startswith("AADSTS7000215: "))

    def test_a_device_code_that_approves_itself(self):
        app = public()
        flow = app.initiate_device_flow(SCOPES)
        self.assertIn(flow["user_code"], flow["message"])
        self.works(app.acquire_token_by_device_flow(flow))

    def test_a_device_code_that_a_person_signs_in_for(self):
        app = public()
        flow = app.initiate_device_flow(SCOPES)
        Browser(READER).enter_code(flow["verification_uri"], flow["user_code"])
        self.works(app.acquire_token_by_device_flow(flow), READER)

    def test_a_name_and_a_password(self):
        with Tunnel() as proxy:
            app = public(proxies={"https": proxy})
            result = app.acquire_token_by_username_password(ADMINISTRATOR, PASSWORD, SCOPES)
            self.works(result)
            refused = app.acquire_token_by_username_password(ADMINISTRATOR, "wrong", SCOPES)
        self.assertEqual(refused["error"], "invalid_grant")
        self.assertEqual(refused["error_codes"], [50126])

    def test_a_browser(self):
        app = public(authority=f"{URL}/organizations")
        result = app.acquire_token_interactive(SCOPES, login_hint=READER, timeout=30)
        self.works(result, READER)
        self.assertEqual(result["id_token_claims"]["aud"], PUBLIC)
        self.assertEqual(result["id_token_claims"]["tid"], TENANT)

    def test_a_code_of_ones_own(self):
        """As a web application does: its own redirect URI, the answer in the address."""
        app = msal.ConfidentialClientApplication(
            DAEMON, client_credential=SECRET, authority=AUTHORITY, instance_discovery=False
        )
        flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT, state="mine")
        browser = Browser(ADMINISTRATOR)
        page = browser.open(flow["auth_uri"])
        form = {**page.fields, "username": ADMINISTRATOR, "password": PASSWORD}
        led = browser.session.post(page.action, data=form, allow_redirects=False)
        query = urllib.parse.urlsplit(led.headers["location"]).query
        answer = dict(urllib.parse.parse_qsl(query))
        self.assertEqual(answer["state"], "mine")
        self.works(app.acquire_token_by_auth_code_flow(flow, answer))
        # The code was good once.
        with self.assertRaises(ValueError):
            app.acquire_token_by_auth_code_flow(flow, {**answer, "state": "another"})
        again = app.acquire_token_by_auth_code_flow(flow, answer)
        self.assertEqual(again["error_codes"], [54005])

    def test_somebody_who_cancels(self):
        app = public()
        flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT)
        browser = Browser(ADMINISTRATOR)
        page = browser.open(flow["auth_uri"])
        form = {**page.fields, "action": "cancel"}
        led = browser.session.post(page.action, data=form, allow_redirects=False)
        query = urllib.parse.urlsplit(led.headers["location"]).query
        answer = dict(urllib.parse.parse_qsl(query))
        result = app.acquire_token_by_auth_code_flow(flow, answer)
        self.assertEqual(result["error"], "access_denied")

    def test_refresh_tokens(self):
        app = public()
        flow = app.initiate_device_flow(SCOPES)
        first = app.acquire_token_by_device_flow(flow)
        [account] = app.get_accounts()
        self.assertEqual(account["username"], ADMINISTRATOR)
        self.assertTrue(account["home_account_id"].endswith(f".{TENANT}"))
        cached = app.acquire_token_silent(SCOPES, account)
        self.assertEqual(cached["access_token"], first["access_token"])
        for _ in range(2):
            renewed = app.acquire_token_silent(SCOPES, account, force_refresh=True)
            self.assertNotEqual(renewed["access_token"], first["access_token"])
            self.works(renewed)
        app.remove_account(account)
        self.assertEqual(app.get_accounts(), [])

    def test_a_used_refresh_token(self):
        app = public()
        result = app.acquire_token_by_device_flow(app.initiate_device_flow(SCOPES))
        used = result["refresh_token"]
        self.works(app.acquire_token_by_refresh_token(used, SCOPES))
        again = app.acquire_token_by_refresh_token(used, SCOPES)
        self.assertEqual(again["error"], "invalid_grant")

    def test_discovery_of_the_instance(self):
        """MSAL may be told to ask the authority itself whether it is known."""
        app = public(instance_discovery=f"{URL}/common/discovery/instance")
        self.assertTrue(app.authority.token_endpoint.startswith(URL))

    def test_a_tenant_that_is_not_there(self):
        with self.assertRaises(ValueError):
            public(authority=f"{URL}/nowhere")

    def test_who_a_token_is_of(self):
        app = public()
        result = app.acquire_token_by_device_flow(app.initiate_device_flow(SCOPES))
        found = requests.get(f"{AUTHORITY}/v2.0/.well-known/openid-configuration").json()
        headers = {"Authorization": f"Bearer {result['access_token']}"}
        user = requests.get(found["userinfo_endpoint"], headers=headers).json()
        self.assertEqual(user["sub"], result["id_token_claims"]["sub"])


if __name__ == "__main__":
    unittest.main()

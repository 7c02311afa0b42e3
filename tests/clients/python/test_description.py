"""What the API says of itself, read by software that others wrote: a client of OData's that makes its
classes of `$metadata`, a validator of OpenAPI documents, and one of JSON that holds answers to them.
"""

import json
import os
import unittest
import urllib.error
import urllib.request

from jsonschema import Draft202012Validator
from odata import ODataService
from openapi_spec_validator import OpenAPIV31SpecValidator

from server import Credential

URL = os.environ["SERVER_HTTP"]
VERSIONS = ["beta", "v1.0"]
IMPORT = "microsoft.graph.importedWindowsAutopilotDeviceIdentity"
DEVICE = "microsoft.graph.windowsAutopilotDeviceIdentity"
PROFILE = "microsoft.graph.windowsAutopilotDeploymentProfile"


def ask(path, token=None):
    """What a GET answers, be it a refusal."""
    request = urllib.request.Request(URL + path)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


class Metadata(unittest.TestCase):
    def service(self, version):
        return ODataService(f"{URL}/{version}/", reflect_entities=True, quiet_progress=True)

    def test_a_client_makes_its_classes_of_it(self):
        for version in VERSIONS:
            types = self.service(version).types
            device = types[DEVICE]
            self.assertTrue(device.id.primary_key)
            self.assertTrue(issubclass(device, types["microsoft.graph.entity"]))
            states = types["microsoft.graph.enrollmentState"]
            self.assertEqual(int(states["notContacted"].value), 4)
            self.assertEqual("blocked" in states.__members__, version == "beta")
            # Asked for, they would go to the server.
            self.assertIn("assignUserToDevice", vars(device))
            self.assertIn("import", vars(types[IMPORT]))
            self.assertEqual("allowNextEnrollment" in vars(device), version == "beta")

    def test_kinds_of_profiles_are_kinds_of_one(self):
        types = self.service("beta").types
        for name in ["azureADWindows", "activeDirectoryWindows"]:
            kind = types[f"microsoft.graph.{name}AutopilotDeploymentProfile"]
            self.assertTrue(issubclass(kind, types[PROFILE]))
            self.assertTrue(hasattr(kind, "displayName"))
        self.assertIn("deploymentProfile", vars(types[DEVICE]))
        self.assertNotIn(PROFILE, self.service("v1.0").types)


class OpenApi(unittest.TestCase):
    def test_it_is_valid(self):
        for path in ["/openapi.json", "/beta/openapi.json", "/v1.0/openapi.json"]:
            document = ask(path)
            OpenAPIV31SpecValidator(document).validate()
            for schema in document["components"]["schemas"].values():
                Draft202012Validator.check_schema(schema)

    def test_answers_are_as_it_says(self):
        token = Credential().token
        for version in VERSIONS:
            document = ask(f"/{version}/openapi.json")
            checked = 0
            for path, item in document["paths"].items():
                if "get" not in item or "{" in path or path in ("/$metadata", "/openapi.json"):
                    continue
                content = item["get"]["responses"]["200"]["content"]
                self.check(document, content, ask(f"/{version}{path}", token))
                failure = document["components"]["responses"]["error"]["content"]
                self.check(document, failure, ask(f"/{version}{path}?$search=x", token))
                checked += 1
            self.assertGreaterEqual(checked, 5)

    def check(self, document, content, answer):
        (body,) = content.values()
        schema = {**body["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(answer)


if __name__ == "__main__":
    unittest.main()

"""Each refusal becomes the SDK's own error, with its code and its message."""

import unittest

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph_beta.generated.models.imported_windows_autopilot_device_identity import (
    ImportedWindowsAutopilotDeviceIdentity,
)

from server import Case, Credential, client, device

NOWHERE = "00000000-0000-4000-8000-000000000001"


class Errors(Case):
    def imports_for(self, *arguments):
        graph = client(Credential(*arguments))
        return graph.device_management.imported_windows_autopilot_device_identities

    async def test_400_for_a_property_of_no_such_name(self):
        entity = ImportedWindowsAutopilotDeviceIdentity(additional_data={"colour": "blue"})
        await self.refused(
            self.imports.post(entity),
            400,
            "BadRequest",
            "The property 'colour' does not exist on type "
            "'microsoft.graph.importedWindowsAutopilotDeviceIdentity'.",
        )

    async def test_400_for_an_id_that_is_none(self):
        entity = ImportedWindowsAutopilotDeviceIdentity(id="seven")
        await self.refused(self.imports.post(entity), 400, "BadRequest", "id")

    async def test_400_for_a_search(self):
        builder = type(self.imports)
        query = builder.ImportedWindowsAutopilotDeviceIdentitiesRequestBuilderGetQueryParameters
        asked = self.imports.get(RequestConfiguration(query_parameters=query(search="x")))
        await self.refused(asked, 400, "BadRequest", "$search")

    async def test_401_for_a_token_that_has_expired(self):
        asked = self.imports_for("--lifetime=-1h").get()
        await self.refused(
            asked,
            401,
            "InvalidAuthenticationToken",
            "Lifetime validation failed, the token is expired.",
        )

    async def test_401_for_what_is_no_token(self):
        credential = Credential()
        credential.token = "x.y.z"
        asked = client(credential).device_management.windows_autopilot_device_identities.get()
        await self.refused(asked, 401, "InvalidAuthenticationToken", "CompactToken parsing failed")

    async def test_403_for_a_reader_who_writes(self):
        imports = self.imports_for("--user", "reader")
        self.assertIsNotNone(await imports.get())
        await self.refused(
            imports.post(device()),
            403,
            "Forbidden",
            "Application must have one of the following scopes: "
            "DeviceManagementServiceConfig.ReadWrite.All",
        )

    async def test_403_for_an_application(self):
        await self.refused(self.imports_for("--app-only").get(), 403, "Forbidden", "app only context")

    async def test_404_for_what_is_not_there_or_not_ones_own(self):
        await self.refused(self.one_import(NOWHERE).get(), 404, "ResourceNotFound", NOWHERE)
        settled = await self.registered()
        theirs = self.imports_for("--tenant", "fabrikam")
        asked = theirs.by_imported_windows_autopilot_device_identity_id(settled.id).get()
        await self.refused(asked, 404, "ResourceNotFound", settled.id)

    async def test_409_for_an_id_that_is_taken(self):
        taken = (await self.imports.post(device())).id
        entity = device()
        entity.id = taken
        await self.refused(self.imports.post(entity), 409, "Conflict", taken)


if __name__ == "__main__":
    unittest.main()

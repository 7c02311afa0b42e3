"""importedWindowsAutopilotDeviceIdentities, by the SDK."""

import unittest

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph_beta.generated.device_management.imported_windows_autopilot_device_identities.import_.import_post_request_body import (
    ImportPostRequestBody,
)
from msgraph_beta.generated.models.imported_windows_autopilot_device_identity import (
    ImportedWindowsAutopilotDeviceIdentity,
)
from msgraph_beta.generated.models.imported_windows_autopilot_device_identity_import_status import (
    ImportedWindowsAutopilotDeviceIdentityImportStatus as Status,
)
from msgraph_beta.generated.models.imported_windows_autopilot_device_identity_state import (
    ImportedWindowsAutopilotDeviceIdentityState as State,
)
from msgraph_core.tasks.page_iterator import PageIterator

from server import OBSERVED, Case, device


class Imports(Case):
    async def test_create_and_poll(self):
        sent = device()
        sent.group_tag = "Kiosk"
        sent.assigned_user_principal_name = "user@contoso.example"
        sent.state = State(
            device_import_status=Status.Pending,
            device_registration_id="",
            device_error_code=0,
            device_error_name="",
        )
        accepted = await self.imports.post(sent)
        self.assertEqual(accepted.odata_type is None, OBSERVED)
        self.assertEqual(accepted.serial_number, sent.serial_number)
        self.assertEqual(accepted.group_tag, "Kiosk")
        self.assertEqual(accepted.import_id, accepted.id)
        self.assertEqual(accepted.assigned_user_principal_name, "user@contoso.example")
        if OBSERVED:
            self.assertIsNone(accepted.hardware_identifier)
            self.assertEqual(accepted.state.device_import_status, Status.Unknown)
        else:
            self.assertEqual(accepted.hardware_identifier, sent.hardware_identifier)
            self.assertEqual(accepted.state.device_import_status, Status.Pending)

        settled = await self.settled(accepted.id)
        self.assertEqual(settled.state.device_import_status, Status.Complete)
        self.assertEqual(settled.state.device_error_code, 0)
        self.assertEqual(settled.state.device_error_name, "None")
        found = await self.one_device(settled.state.device_registration_id).get()
        self.assertEqual(found.serial_number, sent.serial_number)
        self.assertEqual(found.group_tag, "Kiosk")
        self.assertEqual(found.user_principal_name, "user@contoso.example")

    async def test_a_bad_hash_ends_in_error(self):
        accepted = await self.imports.post(
            ImportedWindowsAutopilotDeviceIdentity(hardware_identifier=b"hardwareIdentifier")
        )
        state = (await self.settled(accepted.id)).state
        self.assertEqual(state.device_import_status, Status.Error)
        self.assertEqual((state.device_error_code, state.device_error_name), (802, "InvalidZtdHardwareHash"))

    async def test_import_many_and_list_through_pages(self):
        sent = [device() for _ in range(5)]
        answer = await self.imports.import_.post(
            ImportPostRequestBody(imported_windows_autopilot_device_identities=sent)
        )
        keys = [accepted.id for accepted in answer.value]
        self.assertEqual(
            [accepted.serial_number for accepted in answer.value],
            [entity.serial_number for entity in sent],
        )
        self.assertGreaterEqual(int(await self.imports.count.get()), 5)

        first = await self.imports.get(self.page_of(2))
        self.assertEqual(len(first.value), 2)
        listed = []
        await PageIterator(first, self.graph.request_adapter).iterate(
            lambda found: listed.append(found.id) or True
        )
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual(set(keys), set(listed))

        by_hand, page = [], first
        while True:
            by_hand.extend(found.id for found in page.value)
            if page.odata_next_link is None:
                break
            page = await self.imports.with_url(page.odata_next_link).get()
        self.assertEqual(by_hand, listed)

    async def test_update(self):
        key = (await self.registered()).id
        change = ImportedWindowsAutopilotDeviceIdentity(group_tag="Office")
        if OBSERVED:
            await self.refused(
                self.one_import(key).patch(change), 400, "No method match route template", ""
            )
            return
        self.assertEqual((await self.one_import(key).patch(change)).group_tag, "Office")
        self.assertEqual((await self.one_import(key).get()).group_tag, "Office")

    async def test_delete_leaves_the_device(self):
        settled = await self.registered()
        await self.one_import(settled.id).delete()
        await self.refused(
            self.one_import(settled.id).get(), 404, "ResourceNotFound", settled.id
        )
        self.assertIsNotNone(await self.one_device(settled.state.device_registration_id).get())

    def page_of(self, size):
        builder = type(self.imports)
        query = builder.ImportedWindowsAutopilotDeviceIdentitiesRequestBuilderGetQueryParameters
        return RequestConfiguration(query_parameters=query(top=size))


if __name__ == "__main__":
    unittest.main()

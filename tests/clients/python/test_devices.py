"""windowsAutopilotDeviceIdentities, by the SDK."""

import datetime
import unittest

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph_beta.generated.device_management.windows_autopilot_device_identities.item.assign_resource_account_to_device.assign_resource_account_to_device_post_request_body import (
    AssignResourceAccountToDevicePostRequestBody,
)
from msgraph_beta.generated.device_management.windows_autopilot_device_identities.item.assign_user_to_device.assign_user_to_device_post_request_body import (
    AssignUserToDevicePostRequestBody,
)
from msgraph_beta.generated.device_management.windows_autopilot_device_identities.item.update_device_properties.update_device_properties_post_request_body import (
    UpdateDevicePropertiesPostRequestBody,
)
from msgraph_beta.generated.models.enrollment_state import EnrollmentState
from msgraph_beta.generated.models.windows_autopilot_profile_assignment_status import (
    WindowsAutopilotProfileAssignmentStatus as Assignment,
)
from msgraph_beta.generated.models.windows_autopilot_device_identity import (
    WindowsAutopilotDeviceIdentity,
)
from msgraph_beta.generated.models.windows_autopilot_userless_enrollment_status import (
    WindowsAutopilotUserlessEnrollmentStatus as Userless,
)
from msgraph_core.tasks.page_iterator import PageIterator

from server import OBSERVED, Case, device


class Devices(Case):
    async def test_get(self):
        sent = device()
        settled = await self.registered(sent)
        found = await self.one_device(settled.state.device_registration_id).get()
        self.assertEqual(found.serial_number, sent.serial_number)
        self.assertTrue(found.manufacturer)
        self.assertTrue(found.model)
        self.assertEqual(found.enrollment_state, EnrollmentState.NotContacted)
        self.assertEqual(found.deployment_profile_assignment_status, Assignment.NotAssigned)
        never = datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc)
        self.assertEqual(found.last_contacted_date_time, never)

    async def test_list_through_pages(self):
        keys = {(await self.registered()).state.device_registration_id for _ in range(3)}
        self.assertGreaterEqual(int(await self.devices.count.get()), 3)
        first = await self.devices.get(self.query(top=1))
        self.assertEqual(len(first.value), 1)
        listed = []
        await PageIterator(first, self.graph.request_adapter).iterate(
            lambda found: listed.append(found.id) or True
        )
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual(keys, set(listed))

    async def test_create_and_update(self):
        entity = WindowsAutopilotDeviceIdentity(
            manufacturer="Contoso", model="Book", serial_number="Python-1", group_tag="Kiosk"
        )
        if OBSERVED:
            route = "No method match route template"
            await self.refused(self.devices.post(entity), 400, route, "")
            key = (await self.registered()).state.device_registration_id
            await self.refused(self.one_device(key).patch(entity), 400, route, "")
            return
        created = await self.devices.post(entity)
        self.assertEqual(created.serial_number, "Python-1")
        self.assertEqual(created.group_tag, "Kiosk")
        change = WindowsAutopilotDeviceIdentity(purchase_order_identifier="PO-7")
        self.assertEqual((await self.one_device(created.id).patch(change)).group_tag, "Kiosk")
        found = await self.one_device(created.id).get()
        self.assertEqual(found.purchase_order_identifier, "PO-7")
        await self.refused(self.devices.post(entity), 409, "Conflict", "")

    async def test_assign_user_and_properties(self):
        key = (await self.registered()).state.device_registration_id
        one = self.one_device(key)
        await one.assign_user_to_device.post(
            AssignUserToDevicePostRequestBody(
                user_principal_name="user@contoso.example", addressable_user_name="A User"
            )
        )
        await one.update_device_properties.post(
            UpdateDevicePropertiesPostRequestBody(display_name="PC-1", group_tag="Office")
        )
        found = await one.get()
        self.assertEqual(found.user_principal_name, "user@contoso.example")
        self.assertEqual(found.addressable_user_name, "A User")
        self.assertEqual((found.display_name, found.group_tag), ("PC-1", "Office"))
        await one.unassign_user_from_device.post()
        self.assertEqual((await one.get()).user_principal_name, "")

    async def test_resource_account_and_next_enrollment(self):
        key = (await self.registered()).state.device_registration_id
        one = self.one_device(key)
        await one.assign_resource_account_to_device.post(
            AssignResourceAccountToDevicePostRequestBody(
                user_principal_name="room@contoso.example",
                addressable_user_name="Room",
                resource_account_name="Room 7",
            )
        )
        await one.allow_next_enrollment.post()
        found = await one.get()
        self.assertEqual(found.resource_name, "Room 7")
        self.assertEqual(found.userless_enrollment_status, Userless.Allowed)
        await one.unassign_resource_account_from_device.post()
        self.assertEqual((await one.get()).resource_name, "")

    async def test_delete_frees_the_hardware(self):
        sent = device()
        settled = await self.registered(sent)
        key = settled.state.device_registration_id
        await self.one_device(key).delete()
        await self.refused(self.one_device(key).get(), 404, "ResourceNotFound", key)
        again = await self.registered(sent)
        self.assertNotEqual(again.state.device_registration_id, key)

    def query(self, **options):
        builder = type(self.devices)
        query = builder.WindowsAutopilotDeviceIdentitiesRequestBuilderGetQueryParameters
        return RequestConfiguration(query_parameters=query(**options))


if __name__ == "__main__":
    unittest.main()

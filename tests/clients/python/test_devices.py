"""windowsAutopilotDeviceIdentities, by the SDK."""

import datetime
import unittest

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph_beta.generated.models.enrollment_state import EnrollmentState
from msgraph_beta.generated.models.windows_autopilot_profile_assignment_status import (
    WindowsAutopilotProfileAssignmentStatus as Assignment,
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

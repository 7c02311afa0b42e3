"""Deployment profiles, settings and syncs, by the SDK, in a tenant of their own: a profile for all
devices changes what the other tests look at.
"""

import unittest

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph_beta.generated.device_management.windows_autopilot_deployment_profiles.has_payload_links.has_payload_links_post_request_body import (
    HasPayloadLinksPostRequestBody,
)
from msgraph_beta.generated.device_management.windows_autopilot_deployment_profiles.item.assign.assign_post_request_body import (
    AssignPostRequestBody,
)
from msgraph_beta.generated.models.active_directory_windows_autopilot_deployment_profile import (
    ActiveDirectoryWindowsAutopilotDeploymentProfile as HybridProfile,
)
from msgraph_beta.generated.models.all_devices_assignment_target import AllDevicesAssignmentTarget
from msgraph_beta.generated.models.azure_a_d_windows_autopilot_deployment_profile import (
    AzureADWindowsAutopilotDeploymentProfile as Profile,
)
from msgraph_beta.generated.models.out_of_box_experience_setting import OutOfBoxExperienceSetting
from msgraph_beta.generated.models.windows_autopilot_deployment_profile_assignment import (
    WindowsAutopilotDeploymentProfileAssignment as Assignment,
)
from msgraph_beta.generated.models.windows_autopilot_profile_assignment_status import (
    WindowsAutopilotProfileAssignmentStatus as Status,
)
from msgraph_beta.generated.models.windows_autopilot_sync_status import WindowsAutopilotSyncStatus
from msgraph_beta.generated.models.windows_device_usage_type import WindowsDeviceUsageType
from msgraph_beta.generated.models.windows_user_type import WindowsUserType

from server import Case, Credential


class Profiles(Case):
    def setUp(self):
        super().setUp()
        self.use(Credential("--tenant", "fabrikam"))
        self.profiles = self.graph.device_management.windows_autopilot_deployment_profiles
        self.settings = self.graph.device_management.windows_autopilot_settings

    def one_profile(self, key):
        return self.profiles.by_windows_autopilot_deployment_profile_id(key)

    async def expanded(self, key):
        one = self.one_device(key)
        query = type(one).WindowsAutopilotDeviceIdentityItemRequestBuilderGetQueryParameters
        names = ["deploymentProfile", "intendedDeploymentProfile"]
        return await one.get(RequestConfiguration(query_parameters=query(expand=names)))

    async def assigned(self, key):
        """The device with its profile, once its status begins as scripts wait for."""
        return await self.until(
            lambda: self.expanded(key),
            lambda found: found.deployment_profile_assignment_status.value.startswith("assigned"),
        )

    async def test_create_list_update_delete(self):
        created = await self.profiles.post(
            Profile(
                odata_type="#microsoft.graph.azureADWindowsAutopilotDeploymentProfile",
                display_name="Sales",
                description="Everybody who sells",
                locale="en-US",
                device_name_template="SALES-%RAND:5%",
                preprovisioning_allowed=True,
                out_of_box_experience_setting=OutOfBoxExperienceSetting(
                    device_usage_type=WindowsDeviceUsageType.SingleUser,
                    eula_hidden=True,
                    escape_link_hidden=True,
                    privacy_settings_hidden=True,
                    keyboard_selection_page_skipped=False,
                    user_type=WindowsUserType.Standard,
                ),
            )
        )
        self.assertIsInstance(created, Profile)
        hybrid = await self.profiles.post(
            HybridProfile(
                odata_type="#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile",
                display_name="Hybrid",
                hybrid_azure_a_d_join_skip_connectivity_check=True,
            )
        )
        listed = {row.id: row for row in (await self.profiles.get()).value}
        self.assertIsInstance(listed[created.id], Profile)
        self.assertIsInstance(listed[hybrid.id], HybridProfile)
        self.assertTrue(listed[hybrid.id].hybrid_azure_a_d_join_skip_connectivity_check)

        # The old names say the same as the new.
        found = await self.one_profile(created.id).get()
        self.assertEqual((found.language, found.enable_white_glove), ("en-US", True))
        self.assertTrue(found.out_of_box_experience_settings.hide_e_u_l_a)

        # Read, edit, send back.
        found.display_name = "Sales 2"
        found.out_of_box_experience_setting.eula_hidden = False
        await self.one_profile(created.id).patch(found)
        updated = await self.one_profile(created.id).get()
        self.assertEqual(updated.display_name, "Sales 2")
        self.assertFalse(updated.out_of_box_experience_settings.hide_e_u_l_a)
        self.assertGreater(updated.last_modified_date_time, updated.created_date_time)

        for key in (created.id, hybrid.id):
            await self.one_profile(key).delete()
            await self.refused(self.one_profile(key).get(), 404, "ResourceNotFound", key)

    async def test_assign_to_devices(self):
        profile = await self.profile("To these")
        key = (await self.registered()).state.device_registration_id
        await self.one_profile(profile.id).assign.post(AssignPostRequestBody(device_ids=[key]))
        found = await self.assigned(key)
        self.assertEqual(found.deployment_profile.id, profile.id)
        self.assertEqual(found.intended_deployment_profile.id, profile.id)
        devices = await self.one_profile(profile.id).assigned_devices.get()
        self.assertEqual([row.id for row in devices.value], [key])
        await self.one_profile(profile.id).delete()
        self.assertIsNone((await self.expanded(key)).deployment_profile)

    async def test_assignments(self):
        profile = await self.profile("To all")
        assignments = self.one_profile(profile.id).assignments
        target = AllDevicesAssignmentTarget(
            odata_type="#microsoft.graph.allDevicesAssignmentTarget"
        )
        made = await assignments.post(Assignment(target=target))
        listed = await assignments.get()
        self.assertEqual([row.id for row in listed.value], [made.id])
        self.assertIsInstance(listed.value[0].target, AllDevicesAssignmentTarget)

        key = (await self.registered()).state.device_registration_id
        self.assertEqual((await self.assigned(key)).deployment_profile.id, profile.id)
        links = await self.profiles.has_payload_links.post(
            HasPayloadLinksPostRequestBody(payload_ids=[profile.id])
        )
        self.assertTrue(links.value[0].has_link)
        await self.refused(self.one_profile(profile.id).delete(), 400, "BadRequest", "assign")

        one = assignments.by_windows_autopilot_deployment_profile_assignment_id(made.id)
        await one.delete()
        status = (await self.expanded(key)).deployment_profile_assignment_status
        self.assertEqual(status, Status.NotAssigned)
        await self.one_profile(profile.id).delete()

    async def test_sync(self):
        before = await self.settings.get()
        self.assertEqual(before.sync_status, WindowsAutopilotSyncStatus.Unknown)
        await self.settings.sync.post()
        running = await self.settings.get()
        self.assertEqual(running.sync_status, WindowsAutopilotSyncStatus.InProgress)
        await self.refused(self.settings.sync.post(), 409, "Conflict", "")
        done = await self.until(
            self.settings.get,
            lambda found: found.sync_status == WindowsAutopilotSyncStatus.Completed,
        )
        self.assertGreaterEqual(done.last_sync_date_time, done.last_manual_sync_trigger_date_time)
        # Its own retries end here: what it would have to wait for is longer than they wait.
        await self.refused(self.settings.sync.post(), 429, "TooManyRequests", "")

    async def test_events(self):
        self.assertEqual((await self.graph.device_management.autopilot_events.get()).value, [])

    async def profile(self, name):
        kind = "#microsoft.graph.azureADWindowsAutopilotDeploymentProfile"
        return await self.profiles.post(Profile(odata_type=kind, display_name=name))


if __name__ == "__main__":
    unittest.main()

"""Query options, by the SDK."""

import unittest

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph_beta.generated.models.imported_windows_autopilot_device_identity import (
    ImportedWindowsAutopilotDeviceIdentity,
)

from server import Case, device


class Query(Case):
    async def list_imports(self, **options):
        builder = type(self.imports)
        query = builder.ImportedWindowsAutopilotDeviceIdentitiesRequestBuilderGetQueryParameters
        return await self.imports.get(RequestConfiguration(query_parameters=query(**options)))

    async def list_devices(self, **options):
        builder = type(self.devices)
        query = builder.WindowsAutopilotDeviceIdentitiesRequestBuilderGetQueryParameters
        return await self.devices.get(RequestConfiguration(query_parameters=query(**options)))

    async def test_filter_by_a_part_of_the_serial_number(self):
        sent = device()
        await self.registered(sent)
        part = sent.serial_number[2:12]
        for listed in [
            await self.list_devices(filter=f"contains(serialNumber,'{part}')"),
            await self.list_imports(filter=f"contains(serialNumber,'{part}')"),
            await self.list_devices(filter=f"serialNumber eq '{sent.serial_number}'"),
        ]:
            self.assertEqual([row.serial_number for row in listed.value], [sent.serial_number])
        none = await self.list_devices(filter="contains(serialNumber,'no such number')")
        self.assertEqual(none.value, [])

    async def test_filter_by_state_and_quotes(self):
        entity = ImportedWindowsAutopilotDeviceIdentity(
            serial_number="O'Hara & Söhne #1", hardware_identifier=b"no hash"
        )
        key = (await self.settled((await self.imports.post(entity)).id)).id
        listed = await self.list_imports(
            filter="state/deviceImportStatus eq 'error' and serialNumber eq 'O''Hara & Söhne #1'"
        )
        self.assertEqual([row.id for row in listed.value], [key])
        self.assertEqual(listed.value[0].state.device_error_code, 802)

    async def test_select(self):
        sent = device()
        sent.group_tag = "Selected"
        key = (await self.registered(sent)).state.device_registration_id
        listed = await self.list_devices(
            filter="groupTag eq 'Selected'", select=["id", "serialNumber"]
        )
        self.assertEqual([row.id for row in listed.value], [key])
        self.assertEqual(listed.value[0].serial_number, sent.serial_number)
        self.assertIsNone(listed.value[0].group_tag)
        self.assertIsNone(listed.value[0].model)

    async def test_order_count_and_skip(self):
        for _ in range(3):
            entity = device()
            entity.group_tag = "Ordered"
            await self.registered(entity)
        options = {"filter": "groupTag eq 'Ordered'", "orderby": ["serialNumber desc"]}
        whole = await self.list_devices(count=True, **options)
        self.assertEqual(whole.odata_count, 3)
        numbers = [row.serial_number for row in whole.value]
        self.assertEqual(numbers, sorted(numbers, reverse=True))
        rest = await self.list_devices(skip=1, **options)
        self.assertEqual([row.serial_number for row in rest.value], numbers[1:])
        first = await self.list_devices(top=1, **options)
        second = await self.devices.with_url(first.odata_next_link).get()
        self.assertEqual([row.serial_number for row in second.value], numbers[1:2])

    async def test_what_is_not_understood_is_refused_with_its_position(self):
        asked = self.list_imports(filter="serialNumber equals 'x'")
        await self.refused(asked, 400, "BadRequest", "position")
        asked = self.list_imports(orderby=["colour"])
        await self.refused(asked, 400, "BadRequest", "colour")
        asked = self.list_devices(select=["colour"])
        await self.refused(asked, 400, "BadRequest", "colour")


if __name__ == "__main__":
    unittest.main()

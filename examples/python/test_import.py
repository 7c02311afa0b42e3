"""A quarter of an hour of Autopilot, in no time."""

import asyncio

PATIENCE = 30


def test_an_import_is_complete_after_a_quarter_of_an_hour(graph, rehearsal, device):
    asyncio.run(an_import(graph, rehearsal, device))


async def an_import(graph, rehearsal, device):
    imports = graph.device_management.imported_windows_autopilot_device_identities
    sent = device(1, group_tag="Kiosk")
    accepted = await imports.post(sent)
    found = imports.by_imported_windows_autopilot_device_identity_id(accepted.id)

    async def status():
        return (await found.get()).state.device_import_status.value

    rehearsal("clock/advance", by="14m")
    assert await status() == "unknown"
    rehearsal("clock/advance", by="1m")
    async with asyncio.timeout(PATIENCE):
        while await status() == "unknown":
            await asyncio.sleep(0.05)
    assert await status() == "complete"

    creates = {"method": "POST", "group_tag": "Kiosk", "serial_number": sent.serial_number}
    outcome = rehearsal("requests/assert", requests=creates, exactly=1)
    assert outcome["holds"], outcome["why"]

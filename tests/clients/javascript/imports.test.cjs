// importedWindowsAutopilotDeviceIdentities, by the JavaScript client.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { PageIterator } = require('@microsoft/microsoft-graph-client');
const { client, device, devices, imports, observed, refused, registered, settled } = require('./server.cjs');

const graph = client();

for (const version of ['beta', 'v1.0']) {
  test(`create and poll, ${version}`, async () => {
    const sent = { ...device(), groupTag: 'Kiosk', assignedUserPrincipalName: 'user@contoso.example' };
    const accepted = await graph.api(imports).version(version).post(sent);
    assert.equal(accepted.serialNumber, sent.serialNumber);
    assert.equal(accepted.groupTag, 'Kiosk');
    assert.equal(accepted.hardwareIdentifier, observed ? null : sent.hardwareIdentifier);
    assert.equal(accepted.state.deviceImportStatus, 'unknown');
    assert.ok(accepted['@odata.context'].startsWith(`${process.env.SERVER_HTTPS}/${version}/$metadata#`));

    const { state } = await settled(graph, accepted.id);
    assert.equal(state.deviceImportStatus, 'complete');
    assert.equal(state.deviceErrorCode, 0);
    assert.equal(state.deviceErrorName, 'None');
    const found = await graph.api(`${devices}/${state.deviceRegistrationId}`).version(version).get();
    assert.equal(found.serialNumber, sent.serialNumber);
    assert.equal(found.groupTag, 'Kiosk');
    assert.equal(found.userPrincipalName, 'user@contoso.example');
  });
}

test('a bad hash ends in error', async () => {
  const accepted = await graph.api(imports).post({ hardwareIdentifier: 'aGFyZHdhcmVJZGVudGlmaWVy' });
  const { state } = await settled(graph, accepted.id);
  assert.equal(state.deviceImportStatus, 'error');
  assert.equal(state.deviceErrorCode, 802);
  assert.equal(state.deviceErrorName, 'InvalidZtdHardwareHash');
});

test('import many and list through pages', async () => {
  const sent = Array.from({ length: 5 }, device);
  const answer = await graph
    .api(`${imports}/import`)
    .post({ importedWindowsAutopilotDeviceIdentities: sent });
  const serials = (entities) => entities.map((entity) => entity.serialNumber);
  assert.deepEqual(serials(answer.value), serials(sent));

  const first = await graph.api(imports).top(2).count(true).get();
  assert.equal(first.value.length, 2);
  assert.ok(first['@odata.nextLink'].startsWith(`${process.env.SERVER_HTTPS}/beta/`));
  const listed = [];
  await new PageIterator(graph, first, (found) => listed.push(found.id) > 0).iterate();
  assert.equal(new Set(listed).size, listed.length);
  for (const { id } of answer.value) assert.ok(listed.includes(id), id);
  assert.ok(first['@odata.count'] <= listed.length);
});

test('update', async () => {
  const { id } = await registered(graph);
  const update = graph.api(`${imports}/${id}`).patch({ groupTag: 'Office' });
  if (observed) {
    await refused(update, 400, 'No method match route template', '');
    return;
  }
  assert.equal((await update).groupTag, 'Office');
  assert.equal((await graph.api(`${imports}/${id}`).get()).groupTag, 'Office');
});

test('delete leaves the device', async () => {
  const { id, state } = await registered(graph);
  await graph.api(`${imports}/${id}`).delete();
  await refused(graph.api(`${imports}/${id}`).get(), 404, 'ResourceNotFound', id);
  await graph.api(`${devices}/${state.deviceRegistrationId}`).get();
});

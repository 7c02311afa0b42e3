// Deployment profiles, settings and syncs, by the JavaScript client, in a tenant of their own: a profile
// for all devices changes what the other tests look at.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { RetryHandlerOptions } = require('@microsoft/microsoft-graph-client');
const { client, devices, refused, registered, until } = require('./server.cjs');

const graph = client('--tenant', 'fabrikam');
const profiles = '/deviceManagement/windowsAutopilotDeploymentProfiles';
const settings = '/deviceManagement/windowsAutopilotSettings';
const kind = '#microsoft.graph.azureADWindowsAutopilotDeploymentProfile';

function expanded(id) {
  return graph.api(`${devices}/${id}`).expand('deploymentProfile,intendedDeploymentProfile').get();
}

// The device with its profile, once its status begins as scripts wait for.
function assigned(id) {
  return until(
    () => expanded(id),
    (found) => found.deploymentProfileAssignmentStatus.startsWith('assigned'),
  );
}

test('create, list, update, delete', async () => {
  const created = await graph.api(profiles).post({
    '@odata.type': kind,
    displayName: 'Sales',
    locale: 'en-US',
    preprovisioningAllowed: true,
    outOfBoxExperienceSetting: { eulaHidden: true, userType: 'standard' },
  });
  const path = `${profiles}/${created.id}`;
  const { value } = await graph.api(profiles).get();
  assert.ok(value.some((row) => row.id === created.id && row['@odata.type'] === kind));
  const found = await graph.api(path).get();
  assert.equal(found.language, 'en-US');
  assert.equal(found.outOfBoxExperienceSettings.hideEULA, true);

  // Read, edit, send back.
  found.displayName = 'Sales 2';
  found.outOfBoxExperienceSettings.hideEULA = false;
  await graph.api(path).patch(found);
  const updated = await graph.api(path).get();
  assert.equal(updated.displayName, 'Sales 2');
  assert.equal(updated.outOfBoxExperienceSetting.eulaHidden, false);

  await graph.api(path).delete();
  await refused(graph.api(path).get(), 404, 'ResourceNotFound', created.id);
});

test('assign to devices, and to all', async () => {
  const { id } = await graph.api(profiles).post({ '@odata.type': kind, displayName: 'To these' });
  const path = `${profiles}/${id}`;
  const { state } = await registered(graph);
  const device = state.deviceRegistrationId;
  await graph.api(`${path}/assign`).post({ deviceIds: [device] });
  const found = await assigned(device);
  assert.equal(found.deploymentProfile.id, id);
  assert.equal(found.intendedDeploymentProfile.id, id);
  const { value } = await graph.api(`${path}/assignedDevices`).get();
  assert.deepEqual(value.map((row) => row.id), [device]);

  const target = { '@odata.type': '#microsoft.graph.allDevicesAssignmentTarget' };
  const made = await graph.api(`${path}/assignments`).post({ target });
  const other = (await registered(graph)).state.deviceRegistrationId;
  assert.equal((await assigned(other)).deploymentProfile.id, id);
  await refused(graph.api(path).delete(), 400, 'BadRequest', 'assign');
  await graph.api(`${path}/assignments/${made.id}`).delete();
  assert.equal((await expanded(other)).deploymentProfileAssignmentStatus, 'notAssigned');
  await graph.api(path).delete();
});

test('sync', async () => {
  // Without its own retries, which would wait for minutes.
  const sync = () =>
    graph
      .api(`${settings}/sync`)
      .middlewareOptions([new RetryHandlerOptions(0, 0)])
      .post({});
  await sync();
  assert.equal((await graph.api(settings).get()).syncStatus, 'inProgress');
  await refused(sync(), 409, 'Conflict', '');
  await until(
    () => graph.api(settings).get(),
    (found) => found.syncStatus === 'completed',
  );
  const error = await refused(sync(), 429, 'TooManyRequests', '');
  assert.ok(Number(error.headers.get('retry-after')) > 500);
});

test('events', async () => {
  assert.deepEqual((await graph.api('/deviceManagement/autopilotEvents').get()).value, []);
});

// windowsAutopilotDeviceIdentities, by the JavaScript client.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { PageIterator } = require('@microsoft/microsoft-graph-client');
const { client, device, devices, refused, registered } = require('./server.cjs');

const graph = client();

test('get', async () => {
  const sent = device();
  const { state } = await registered(graph, sent);
  const path = `${devices}/${state.deviceRegistrationId}`;
  const found = await graph.api(path).get();
  assert.equal(found.serialNumber, sent.serialNumber);
  assert.equal(found.enrollmentState, 'notContacted');
  assert.equal(found.deploymentProfileAssignmentStatus, 'notAssigned');
  const stable = await graph.api(path).version('v1.0').get();
  assert.equal(stable.serialNumber, sent.serialNumber);
  assert.ok(!('deploymentProfileAssignmentStatus' in stable));
});

test('list through pages', async () => {
  const ids = [];
  for (let i = 0; i < 3; i += 1) {
    ids.push((await registered(graph)).state.deviceRegistrationId);
  }
  const first = await graph.api(devices).top(1).get();
  assert.equal(first.value.length, 1);
  const listed = [];
  await new PageIterator(graph, first, (found) => listed.push(found.id) > 0).iterate();
  assert.equal(new Set(listed).size, listed.length);
  for (const id of ids) assert.ok(listed.includes(id), id);
});

test('delete frees the hardware', async () => {
  const sent = device();
  const { state } = await registered(graph, sent);
  const path = `${devices}/${state.deviceRegistrationId}`;
  await graph.api(path).delete();
  await refused(graph.api(path).get(), 404, 'ResourceNotFound', state.deviceRegistrationId);
  const again = await registered(graph, sent);
  assert.notEqual(again.state.deviceRegistrationId, state.deviceRegistrationId);
});

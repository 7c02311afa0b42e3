// windowsAutopilotDeviceIdentities, by the JavaScript client.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { PageIterator } = require('@microsoft/microsoft-graph-client');
const { client, device, devices, observed, refused, registered } = require('./server.cjs');

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

test('create and update', async () => {
  const entity = { manufacturer: 'Contoso', model: 'Book', serialNumber: 'JavaScript-1', groupTag: 'Kiosk' };
  if (observed) {
    const route = 'No method match route template';
    await refused(graph.api(devices).post(entity), 400, route, '');
    const { state } = await registered(graph);
    const path = `${devices}/${state.deviceRegistrationId}`;
    await refused(graph.api(path).patch({ groupTag: 'Office' }), 400, route, '');
    return;
  }
  const created = await graph.api(devices).post(entity);
  assert.equal(created.serialNumber, 'JavaScript-1');
  const path = `${devices}/${created.id}`;
  const updated = await graph.api(path).patch({ purchaseOrderIdentifier: 'PO-7' });
  assert.equal(updated.groupTag, 'Kiosk');
  assert.equal((await graph.api(path).get()).purchaseOrderIdentifier, 'PO-7');
  await refused(graph.api(devices).post(entity), 409, 'Conflict', '');
});

test('read, edit and send back', async () => {
  const { state } = await registered(graph);
  const path = `${devices}/${state.deviceRegistrationId}`;
  const found = await graph.api(path).get();
  const sent = graph.api(path).patch({ ...found, groupTag: 'Office' });
  if (observed) {
    await refused(sent, 400, 'No method match route template', '');
    return;
  }
  assert.equal((await sent).groupTag, 'Office');
});

for (const version of ['beta', 'v1.0']) {
  test(`assign a user and properties, ${version}`, async () => {
    const { state } = await registered(graph);
    const path = `${devices}/${state.deviceRegistrationId}`;
    const act = (action, body) => graph.api(`${path}/${action}`).version(version).post(body);
    const user = { userPrincipalName: 'user@contoso.example', addressableUserName: 'A User' };
    await act('assignUserToDevice', user);
    await act('updateDeviceProperties', { displayName: 'PC-1', groupTag: 'Office' });
    const found = await graph.api(path).version(version).get();
    assert.equal(found.userPrincipalName, user.userPrincipalName);
    assert.equal(found.addressableUserName, user.addressableUserName);
    assert.equal(found.displayName, 'PC-1');
    assert.equal(found.groupTag, 'Office');
    await act('unassignUserFromDevice', {});
    assert.equal((await graph.api(path).get()).userPrincipalName, '');
  });
}

test('resource account and next enrollment', async () => {
  const { state } = await registered(graph);
  const path = `${devices}/${state.deviceRegistrationId}`;
  const account = {
    userPrincipalName: 'room@contoso.example',
    addressableUserName: 'Room',
    resourceAccountName: 'Room 7',
  };
  await graph.api(`${path}/assignResourceAccountToDevice`).post(account);
  await graph.api(`${path}/allowNextEnrollment`).post({});
  const found = await graph.api(path).get();
  assert.equal(found.resourceName, 'Room 7');
  assert.equal(found.userlessEnrollmentStatus, 'allowed');
  await graph.api(`${path}/unassignResourceAccountFromDevice`).post({});
  assert.equal((await graph.api(path).get()).resourceName, '');
});

test('delete many by serial number', async () => {
  const sent = device();
  const { state } = await registered(graph, sent);
  const answer = await graph
    .api(`${devices}/deleteDevices`)
    .post({ serialNumbers: [sent.serialNumber, 'no such number'] });
  const [deleted, absent] = answer.value;
  assert.equal(deleted.serialNumber, sent.serialNumber);
  assert.equal(deleted.deviceRegistrationId, state.deviceRegistrationId);
  assert.equal(deleted.deletionState, 'accepted');
  assert.equal(absent.deletionState, 'failed');
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

// Each refusal becomes the client's own error, with its code and its message.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { client, clientWith, device, imports, refused, registered } = require('./server.cjs');

const graph = client();
const nowhere = '00000000-0000-4000-8000-000000000001';

test('400 for a property of no such name', async () => {
  const message =
    "The property 'colour' does not exist on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'.";
  await refused(graph.api(imports).post({ colour: 'blue' }), 400, 'BadRequest', message);
});

test('400 for an id that is none', async () => {
  await refused(graph.api(imports).post({ id: 'seven' }), 400, 'BadRequest', 'id');
});

test('400 for a segment that is none', async () => {
  const asked = graph.api('/deviceManagement/toasters').get();
  await refused(asked, 400, 'BadRequest', "Resource not found for the segment 'toasters'.");
});

test('400 for a search', async () => {
  await refused(graph.api(imports).search('"x"').get(), 400, 'BadRequest', '$search');
});

test('401 for a token that has expired', async () => {
  const error = await refused(
    client('--lifetime=-1h').api(imports).get(),
    401,
    'InvalidAuthenticationToken',
    'Lifetime validation failed, the token is expired.',
  );
  assert.ok(error.headers.get('www-authenticate').startsWith('Bearer '));
});

test('401 for what is no token', async () => {
  const asked = clientWith('x.y.z').api(imports).get();
  await refused(asked, 401, 'InvalidAuthenticationToken', 'CompactToken parsing failed');
});

test('403 for a reader who writes', async () => {
  const reader = client('--user', 'reader');
  await reader.api(imports).get();
  const message =
    'Application must have one of the following scopes: DeviceManagementServiceConfig.ReadWrite.All';
  await refused(reader.api(imports).post(device()), 403, 'Forbidden', message);
});

test('403 for an application', async () => {
  const asked = client('--app-only').api(imports).get();
  await refused(asked, 403, 'Forbidden', 'app only context');
});

test("404 for what is not there or not one's own", async () => {
  await refused(graph.api(`${imports}/${nowhere}`).get(), 404, 'ResourceNotFound', nowhere);
  const { id } = await registered(graph);
  const theirs = client('--tenant', 'fabrikam');
  await refused(theirs.api(`${imports}/${id}`).get(), 404, 'ResourceNotFound', id);
});

test('409 for an id that is taken', async () => {
  const { id } = await graph.api(imports).post(device());
  await refused(graph.api(imports).post({ ...device(), id }), 409, 'Conflict', id);
});

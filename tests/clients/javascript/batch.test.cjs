// $batch, by the JavaScript client: its parts are made of requests, and have paths without a version.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { BatchRequestContent, BatchResponseContent } = require('@microsoft/microsoft-graph-client');
const { client, device, devices, imports, refused, settled } = require('./server.cjs');

const graph = client();
const nowhere = '00000000-0000-4000-8000-000000000001';

// A part; the client takes the path out of the request's address, from the version on.
function part(id, method, path, body, dependsOn) {
  const options = { method };
  if (body) {
    options.body = JSON.stringify(body);
    options.headers = { 'Content-Type': 'application/json' };
  }
  const request = new Request(`https://graph.microsoft.com/beta${path}`, options);
  return { id, request, ...(dependsOn && { dependsOn }) };
}

async function post(parts, asked = graph) {
  const content = await new BatchRequestContent(parts).getContent();
  return new BatchResponseContent(await asked.api('/$batch').post(content));
}

function statuses(answer) {
  const found = {};
  for (const [id, response] of answer.getResponses()) found[id] = response.status;
  return found;
}

test('create twenty', async () => {
  const sent = Array.from({ length: 20 }, device);
  const answer = await post(sent.map((entity, index) => part(String(index), 'POST', imports, entity)));
  let created;
  for (const [index, entity] of sent.entries()) {
    const response = answer.getResponseById(String(index));
    assert.equal(response.status, 201);
    created = await response.json();
    assert.equal(created.serialNumber, entity.serialNumber);
  }
  assert.equal((await settled(graph, created.id)).state.deviceImportStatus, 'complete');
});

test('each part answers for itself', async () => {
  const answer = await post([
    part('create', 'POST', imports, device()),
    part('list', 'GET', devices),
    part('absent', 'GET', `${imports}/${nowhere}`),
  ]);
  assert.deepEqual(statuses(answer), { create: 201, list: 200, absent: 404 });
  const { error } = await answer.getResponseById('absent').json();
  assert.equal(error.code, 'ResourceNotFound');
  assert.ok(error.message.includes(nowhere), error.message);
});

test('a part waits for another', async () => {
  const serial = await post([
    part('1', 'POST', imports, device()),
    part('2', 'POST', imports, device(), ['1']),
    part('3', 'GET', imports, undefined, ['2']),
  ]);
  assert.deepEqual(statuses(serial), { 1: 201, 2: 201, 3: 200 });
  const failed = await post([
    part('1', 'GET', `${imports}/${nowhere}`),
    part('2', 'POST', imports, device(), ['1']),
  ]);
  assert.deepEqual(statuses(failed), { 1: 404, 2: 424 });
});

test('each part is authorised for itself', async () => {
  const reader = client('--user', 'reader');
  const answer = await post(
    [part('create', 'POST', imports, device()), part('list', 'GET', imports)],
    reader,
  );
  assert.deepEqual(statuses(answer), { create: 403, list: 200 });
});

test('an empty batch is refused', async () => {
  await refused(graph.api('/$batch').post({ requests: [] }), 400, 'BadRequest', 'requests');
});

// The server under test, as `cargo xtask test` started it: its addresses, its tokens, and devices that
// nobody has. What is asked of it stands in the tests.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { Client, GraphError } = require('@microsoft/microsoft-graph-client');

const {
  SERVER_PROGRAM: program,
  SERVER_DIRECTORY: directory,
  SERVER_HTTPS: url,
  SERVER_BEHAVIOR: behavior,
} = process.env;
const observed = behavior === 'observed';

const imports = '/deviceManagement/importedWindowsAutopilotDeviceIdentities';
const devices = '/deviceManagement/windowsAutopilotDeviceIdentities';

// How long anything may take.
const patienceMs = 30_000;

// What the program prints.
function hangar(...words) {
  return execFileSync(program, words, { cwd: directory, encoding: 'utf8' }).trim();
}

// The client as anybody makes it, with two differences: where it asks, and that the host may be given
// tokens. It gives them over https alone. The token is the one `hangar token` prints for these words.
function client(...words) {
  const token = hangar('token', ...words);
  return clientWith(token);
}

function clientWith(token) {
  return Client.initWithMiddleware({
    authProvider: { getAccessToken: async () => token },
    baseUrl: `${url}/`,
    defaultVersion: 'beta',
    customHosts: new Set(['127.0.0.1']),
  });
}

// Every test file is a process of its own: each starts at its own seed.
let seed = process.pid * 1000;

// An import of a device that no test has sent.
function device() {
  seed += 1;
  return JSON.parse(hangar('hash', 'generate', '--wire', '--seed', String(seed)));
}

// The first answer that is enough.
async function until(ask, enough) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (enough(answer)) return answer;
    assert.ok(Date.now() < deadline, 'it does not happen');
    await sleep(50);
  }
}

// The import, once its state is no longer the `unknown` that scripts wait out.
function settled(graph, id) {
  return until(
    () => graph.api(`${imports}/${id}`).get(),
    (found) => found.state.deviceImportStatus !== 'unknown',
  );
}

// Sends an import, a new device's unless another is given: the settled import.
async function registered(graph, entity = device()) {
  const accepted = await graph.api(imports).post(entity);
  const found = await settled(graph, accepted.id);
  assert.equal(found.state.deviceImportStatus, 'complete', JSON.stringify(found.state));
  return found;
}

// Checks that the client throws its own error with this status and code, and a message that holds this
// text. The live service wraps its message in a JSON document of its own.
async function refused(asked, status, code, message) {
  const error = await asked.then(
    () => assert.fail('it is not refused'),
    (error) => error,
  );
  assert.ok(error instanceof GraphError, String(error));
  assert.equal(error.statusCode, status);
  assert.equal(error.code, code);
  assert.ok(error.message.includes(message), error.message);
  if (observed) {
    assert.ok(JSON.parse(error.message).Message.includes(message), error.message);
  }
  assert.equal(error.requestId.length, 36);
  assert.ok(!Number.isNaN(error.date.getTime()), String(error.date));
  assert.equal(JSON.parse(error.body).code, code);
  return error;
}

module.exports = {
  client,
  clientWith,
  device,
  devices,
  imports,
  observed,
  refused,
  registered,
  settled,
  until,
};

// A quarter of an hour of Autopilot, in no time.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const test = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { Client } = require('@microsoft/microsoft-graph-client');

const { HANGAR_URL, HANGAR_TOKEN, HANGAR_ADMIN_URL } = process.env;
const imports = '/deviceManagement/importedWindowsAutopilotDeviceIdentities';

// The client as anybody makes it, with two differences: where it asks, and that the host may be given
// tokens.
const graph = Client.initWithMiddleware({
  authProvider: { getAccessToken: async () => HANGAR_TOKEN },
  baseUrl: `${HANGAR_URL}/`,
  defaultVersion: 'beta',
  customHosts: new Set(['127.0.0.1']),
});

// Directs the rehearsal.
async function rehearse(path, body) {
  const answer = await fetch(`${HANGAR_ADMIN_URL}/rehearsal/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  assert.ok(answer.ok, JSON.stringify(told));
  return told;
}

// The import of a device that nobody has.
function device(seed) {
  return JSON.parse(execFileSync('hangar', ['hash', 'generate', '--wire', '--seed', String(seed)]));
}

test('an import is complete after a quarter of an hour', { timeout: 30_000 }, async () => {
  const sent = { ...device(1), groupTag: 'Kiosk' };
  const { id } = await graph.api(imports).post(sent);
  const status = async () => (await graph.api(`${imports}/${id}`).get()).state.deviceImportStatus;

  await rehearse('clock/advance', { by: '14m' });
  assert.equal(await status(), 'unknown');
  await rehearse('clock/advance', { by: '1m' });
  while ((await status()) === 'unknown') await sleep(50);
  assert.equal(await status(), 'complete');

  const creates = { method: 'POST', group_tag: 'Kiosk', serial_number: sent.serialNumber };
  const outcome = await rehearse('requests/assert', { requests: creates, exactly: 1 });
  assert.ok(outcome.holds, outcome.why.join('\n'));
});

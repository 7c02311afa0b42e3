// Query options, by the JavaScript client.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { client, device, devices, imports, refused, registered, settled } = require('./server.cjs');

const graph = client();
const serials = (answer) => answer.value.map((row) => row.serialNumber);

test('filter by a part of the serial number', async () => {
  const sent = device();
  await registered(graph, sent);
  const part = sent.serialNumber.slice(2, 12);
  for (const path of [devices, imports]) {
    for (const version of ['beta', 'v1.0']) {
      const asked = graph.api(path).version(version).filter(`contains(serialNumber,'${part}')`);
      assert.deepEqual(serials(await asked.get()), [sent.serialNumber]);
    }
  }
  const none = await graph.api(devices).filter("contains(serialNumber,'no such number')").get();
  assert.deepEqual(none.value, []);
});

test('filter by state and quotes', async () => {
  const serialNumber = "O'Hara & Söhne #1";
  const { id } = await graph.api(imports).post({ serialNumber, hardwareIdentifier: 'bm8=' });
  await settled(graph, id);
  const filter = `state/deviceImportStatus eq 'error' and serialNumber eq '${serialNumber.replaceAll("'", "''")}'`;
  // The client leaves the encoding to the caller.
  const listed = await graph.api(imports).filter(encodeURIComponent(filter)).get();
  assert.deepEqual(serials(listed), [serialNumber]);
});

test('select', async () => {
  const sent = { ...device(), groupTag: 'Selected' };
  const { state } = await registered(graph, sent);
  const listed = await graph
    .api(devices)
    .filter("groupTag eq 'Selected'")
    .select(['id', 'serialNumber'])
    .get();
  const expected = { id: state.deviceRegistrationId, serialNumber: sent.serialNumber };
  const [row] = listed.value;
  const own = Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('@')));
  assert.deepEqual(own, expected);
});

test('order, count and skip', async () => {
  for (let i = 0; i < 3; i += 1) await registered(graph, { ...device(), groupTag: 'Ordered' });
  const ask = () => graph.api(devices).filter("groupTag eq 'Ordered'").orderby('serialNumber desc');
  const whole = await ask().count(true).get();
  assert.equal(whole['@odata.count'], 3);
  const numbers = serials(whole);
  assert.deepEqual(numbers, [...numbers].sort().reverse());
  assert.deepEqual(serials(await ask().skip(1).get()), numbers.slice(1));
  const first = await ask().top(1).get();
  const second = await graph.api(first['@odata.nextLink']).get();
  assert.deepEqual(serials(second), numbers.slice(1, 2));
});

test('what is not understood is refused', async () => {
  const list = () => graph.api(imports);
  await refused(list().filter("serialNumber equals 'x'").get(), 400, 'BadRequest', 'position');
  await refused(list().orderby('colour').get(), 400, 'BadRequest', 'colour');
  await refused(list().select('colour').get(), 400, 'BadRequest', 'colour');
});

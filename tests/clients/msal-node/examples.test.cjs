// The examples of docs/signing-in.md, each a program of its own, as whoever copies them runs them.
'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const test = require('node:test');
const { promisify } = require('node:util');
const { administrator, url } = require('./server.cjs');

const document = join(__dirname, '..', '..', '..', 'docs', 'signing-in.md');
const examples = readFileSync(document, 'utf8')
  .split('```javascript\n')
  .slice(1)
  .map((part) => part.split('```')[0]);

// What each prints at last, in their order.
const expected = ['200', `${administrator} true`, administrator];

test('there is an expectation for each', () => assert.equal(examples.length, expected.length));

for (const [number, example] of examples.entries()) {
  test(`example ${number + 1}`, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', example], {
      env: { ...process.env, HANGAR_URL: url, BROWSER: join(__dirname, 'browser.cjs') },
      timeout: 60_000,
    });
    assert.equal(stdout.trim().split('\n').at(-1), expected[number]);
  });
}

// Every way to a token that needs no browser, and the tokens at the API.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const {
  administrator,
  claims,
  confidentialClient,
  password,
  publicClient,
  scopes,
  status,
  tenant,
  url,
  works,
} = require('./server.cjs');

const deviceCode = { scopes, deviceCodeCallback: () => {} };

test('a client secret', async () => {
  const app = confidentialClient();
  const first = await app.acquireTokenByClientCredential({ scopes });
  assert.equal(claims(first.accessToken).idtyp, 'app');
  assert.equal(await status(first.accessToken), 200);
  const again = await app.acquireTokenByClientCredential({ scopes });
  assert.equal(again.fromCache, true);
});

test('a wrong client secret', async () => {
  const app = confidentialClient({ clientSecret: 'wrong' });
  await assert.rejects(app.acquireTokenByClientCredential({ scopes }), (error) => {
    assert.equal(error.errorCode, 'invalid_client');
    assert.ok(error.message.includes('AADSTS7000215'), error.message);
    return true;
  });
});

test('a device code that approves itself', async () => {
  const said = [];
  const result = await publicClient().acquireTokenByDeviceCode({
    scopes,
    deviceCodeCallback: (code) => said.push(code),
  });
  await works(result);
  assert.equal(result.account.username, administrator);
  assert.equal(result.account.tenantId, tenant);
  assert.ok(said[0].message.includes(said[0].userCode));
});

test('a name and a password', async () => {
  const app = publicClient({ authority: `${url}/organizations` });
  await works(
    await app.acquireTokenByUsernamePassword({ scopes, username: administrator, password }),
  );
  const refused = app.acquireTokenByUsernamePassword({
    scopes,
    username: administrator,
    password: 'wrong',
  });
  await assert.rejects(refused, (error) => {
    assert.equal(error.errorCode, 'invalid_grant');
    assert.ok(error.message.includes('AADSTS50126'), error.message);
    return true;
  });
});

test('refresh tokens', async () => {
  const app = publicClient();
  const first = await app.acquireTokenByDeviceCode(deviceCode);
  const { account } = first;
  const cached = await app.acquireTokenSilent({ scopes, account });
  assert.equal(cached.accessToken, first.accessToken);
  for (let turn = 0; turn < 2; turn += 1) {
    const renewed = await app.acquireTokenSilent({ scopes, account, forceRefresh: true });
    assert.notEqual(renewed.accessToken, first.accessToken);
    await works(renewed);
  }
});

test('a redirect URI that nobody registered', async () => {
  const address = await publicClient().getAuthCodeUrl({
    scopes,
    redirectUri: 'https://evil.example/<b>',
  });
  const answer = await fetch(address, { redirect: 'manual' });
  assert.equal(answer.status, 400);
  assert.equal(answer.headers.get('location'), null);
  const page = await answer.text();
  assert.ok(page.includes('AADSTS50011') && page.includes('https://evil.example/&lt;b&gt;'), page);
});

test('a silent sign-in where nobody is signed in', async () => {
  const redirectUri = 'http://localhost:4321';
  const address = await publicClient().getAuthCodeUrl({ scopes, redirectUri, prompt: 'none' });
  const answer = await fetch(address, { redirect: 'manual' });
  const led = new URL(answer.headers.get('location'));
  assert.equal(led.origin, redirectUri);
  assert.equal(led.searchParams.get('error'), 'login_required');
});

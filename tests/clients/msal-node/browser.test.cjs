// Signing in with a real browser: the pages as a person meets them, and what MSAL makes of the answer.
'use strict';

const assert = require('node:assert/strict');
const { createServer } = require('node:http');
const test = require('node:test');
const { signIn, withPage } = require('./browser.cjs');
const {
  administrator,
  confidentialClient,
  publicClient,
  reader,
  scopes,
  tenant,
  url,
  works,
} = require('./server.cjs');

test('a person signs in, at the second try', async () => {
  const app = publicClient();
  await withPage(async (page) => {
    const result = await app.acquireTokenInteractive({
      scopes,
      loginHint: administrator,
      openBrowser: async (address) => {
        // MSAL begins to listen when this returns.
        setImmediate(async () => {
          await page.goto(address);
          assert.equal(await page.title(), 'Sign in');
          assert.equal(await page.getByLabel('User name').inputValue(), administrator);
          await signIn(page, reader, 'wrong');
          const alert = await page.getByRole('alert').textContent();
          assert.equal(alert, 'The user name or the password is wrong.');
          // The style is there, so the policy lets it in.
          const width = await page.locator('main').evaluate((main) => getComputedStyle(main).maxWidth);
          assert.equal(width, '448px');
          await signIn(page, reader);
          await page.getByRole('button', { name: 'Continue' }).click();
        });
      },
    });
    await works(result, reader);
    assert.equal(result.account.username, reader);
    assert.equal(result.account.tenantId, tenant);
    await works(
      await app.acquireTokenSilent({ scopes, account: result.account, forceRefresh: true }),
      reader,
    );
  });
});

test('a person cancels', async () => {
  await withPage(async (page) => {
    const asked = publicClient().acquireTokenInteractive({
      scopes,
      openBrowser: async (address) => {
        setImmediate(async () => {
          await page.goto(address);
          await page.getByRole('button', { name: 'Cancel' }).click();
          await page.getByRole('button', { name: 'Continue' }).click();
        });
      },
    });
    await assert.rejects(asked, (error) => {
      assert.equal(error.errorCode, 'access_denied');
      return true;
    });
  });
});

test('a web application gets its code in the address', async () => {
  const app = confidentialClient();
  const visitors = [];
  const application = createServer((request, response) => {
    visitors.push(request.url);
    response.end('welcome');
  });
  await new Promise((resolve) => application.listen(0, '127.0.0.1', resolve));
  const redirectUri = `http://localhost:${application.address().port}/back`;
  try {
    await withPage(async (page) => {
      await page.goto(await app.getAuthCodeUrl({ scopes, redirectUri, state: 'a state' }));
      await signIn(page, administrator);
      await page.getByText('welcome').waitFor();
    });
  } finally {
    application.close();
  }
  const back = new URL(visitors.find((visited) => visited.startsWith('/back')), redirectUri);
  assert.equal(back.searchParams.get('state'), 'a state');
  const code = back.searchParams.get('code');
  await works(await app.acquireTokenByCode({ scopes, redirectUri, code }));
  await assert.rejects(app.acquireTokenByCode({ scopes, redirectUri, code }), /AADSTS54005/);
});

test('a person signs in for a device', async () => {
  // MSAL asks for the tokens without waiting for anybody, and codes approve themselves by then.
  const realm = `${url}/organizations/oauth2/v2.0`;
  const client_id = 'cccccccc-0000-4000-8000-000000000001';
  const ask = async (address, fields) => {
    const body = new URLSearchParams({ client_id, ...fields });
    return (await fetch(`${realm}/${address}`, { method: 'POST', body })).json();
  };
  const code = await ask('devicecode', { scope: scopes[0] });
  await withPage(async (page) => {
    await page.goto(code.verification_uri);
    await page.getByLabel('The code').fill(code.user_code.toLowerCase());
    await page.getByRole('button', { name: 'Next' }).click();
    await signIn(page, reader);
    await page.getByText('You have signed in').waitFor();
  });
  const tokens = await ask('token', { grant_type: 'device_code', device_code: code.device_code });
  await works({ accessToken: tokens.access_token }, reader);
});

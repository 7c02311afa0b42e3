// The server under test, as `cargo xtask test` started it, and what everybody knows of it. How the library
// is told of it stands in the tests.
'use strict';

const assert = require('node:assert/strict');
const { ConfidentialClientApplication, PublicClientApplication } = require('@azure/msal-node');

const url = process.env.SERVER_HTTPS;
const tenant = 'aaaaaaaa-0000-4000-8000-00000000000a';
const administrator = 'administrator@contoso.example';
const reader = 'reader@contoso.example';
const password = 'hangar';
const scopes = ['https://graph.microsoft.com/.default'];

const here = { authority: `${url}/${tenant}`, knownAuthorities: [new URL(url).host] };

// A client that users sign in with.
function publicClient(options = {}) {
  const clientId = 'cccccccc-0000-4000-8000-000000000001';
  return new PublicClientApplication({ auth: { clientId, ...here, ...options } });
}

// A client that acts for itself.
function confidentialClient(options = {}) {
  const clientId = 'cccccccc-0000-4000-8000-000000000002';
  const clientSecret = 'hangar';
  return new ConfidentialClientApplication({ auth: { clientId, clientSecret, ...here, ...options } });
}

function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}

// Checks that the result is a token of this user's which the API takes.
async function works({ accessToken }, name = administrator) {
  assert.equal(claims(accessToken).preferred_username, name);
  assert.equal(await status(accessToken), 200);
}

// What the API answers to somebody with this token who asks for devices.
async function status(token) {
  const answer = await fetch(`${url}/beta/deviceManagement/windowsAutopilotDeviceIdentities`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return answer.status;
}

module.exports = {
  administrator,
  claims,
  confidentialClient,
  password,
  publicClient,
  reader,
  scopes,
  status,
  tenant,
  url,
  works,
};

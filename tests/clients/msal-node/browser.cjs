#!/usr/bin/env node
// Debian's Chromium without a screen, and somebody who signs in with it. As a program it is a browser that
// signs the administrator in at the address that it is given.
'use strict';

const { chromium } = require('playwright-core');
const { administrator, password, url } = require('./server.cjs');

// Opens a browser for as long as the body runs. Chromium takes no authority from the environment, so it is
// told not to judge certificates; the libraries do.
async function withPage(body) {
  const browser = await chromium.launch({
    executablePath: process.env.SERVER_BROWSER,
    // As root it has no sandbox; and whatever proxy there is, the server is on this machine.
    args: ['--no-sandbox', '--no-proxy-server'],
  });
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    // What the page's policy forbids, or the page itself gets wrong, is an error in the console.
    const complaints = [];
    page.on('console', (message) => {
      if (message.type() === 'error' && page.url().startsWith(url)) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await body(page);
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  } finally {
    await browser.close();
  }
}

// Fills in the sign-in page as a person does, by the labels.
async function signIn(page, name, secret = password) {
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill(secret);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

module.exports = { signIn, withPage };

if (require.main === module) {
  withPage(async (page) => {
    await page.goto(process.argv[2]);
    await signIn(page, administrator);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('Auth code was successfully acquired').waitFor();
  });
}

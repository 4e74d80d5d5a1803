/** The pair of servers, proven with the SDK's own client before anything of Bellhop's meets them. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { follow } from '../approve.mjs';
import { peer } from '../lib/run.mjs';

let oidc, mcp, ready, url;

before(async () => {
  oidc = peer('oidc.mjs', ['--access-ttl', '2']);
  ready = await oidc.until('ready');
  mcp = peer('mcp-server.mjs', ['--authorization', JSON.stringify(ready)]);
  ({ url } = await mcp.until('ready'));
});

after(async () => {
  await mcp.stop();
  await oidc.stop();
});

/** A client that signs in like an app; `press` is the button its browser presses. */
class SignIn {
  redirectUrl = 'http://127.0.0.1:1/callback';
  clientMetadata = {
    client_name: 'pair test',
    redirect_uris: [this.redirectUrl],
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  };
  constructor(press) {
    this.press = press;
  }
  clientInformation = () => this.client;
  saveClientInformation = (client) => (this.client = client);
  tokens = () => this.kept;
  saveTokens = (tokens) => (this.kept = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => (this.verifier = verifier);
  async redirectToAuthorization(address) {
    // The callback's port is closed: what the browser was sent there with is all that is wanted.
    let seen = address;
    const fetched = globalThis.fetch;
    globalThis.fetch = (to, init) => {
      seen = new URL(to);
      return seen.href.startsWith(this.redirectUrl) ? new Response('done') : fetched(to, init);
    };
    try {
      await follow(address.href, { press: this.press });
    } finally {
      globalThis.fetch = fetched;
    }
    this.answer = seen.searchParams;
  }
}

async function connect(signIn, client = new Client({ name: 'pair-test', version: '1' })) {
  const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider: signIn });
  const first = transport();
  await assert.rejects(client.connect(first), UnauthorizedError);
  await first.finishAuth(signIn.answer.get('code'));
  await client.connect(transport());
  return client;
}

test('a client that registers and signs in can list and call tools', async () => {
  const signIn = new SignIn('approve');
  const client = await connect(signIn);
  assert.equal(signIn.answer.get('iss'), ready.issuer);
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).sort(), ['ask', 'echo', 'fail', 'slow', 'write_note']);
  assert.equal(tools.find(({ name }) => name === 'echo').annotations.readOnlyHint, true);
  const { content } = await client.callTool({ name: 'echo', arguments: { text: 'hello' } });
  assert.equal(content[0].text, 'hello');
  assert.equal((await client.callTool({ name: 'fail' })).isError, true);
  assert.equal((await client.listResources()).resources[0].uri, 'note:///welcome');
  assert.match(
    (await client.getPrompt({ name: 'greet', arguments: { name: 'Ben' } })).messages[0].content.text,
    /Ben/,
  );
  await mcp.until('call', ({ tool }) => tool === 'echo');
  await client.close();
});

test('an access token that has run out is refreshed, and the refresh token changes', async () => {
  const signIn = new SignIn('approve');
  const client = await connect(signIn);
  const { refresh_token: first } = signIn.kept;
  // Longer than the two seconds that access tokens live here.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await client.callTool({ name: 'echo', arguments: { text: 'still here' } });
  assert.notEqual(signIn.kept.refresh_token, first);
  await oidc.until('refresh_rotated');
  await client.close();
});

test('a slow call says how far it is, and a cancelled one is told to the server', async () => {
  const client = await connect(new SignIn('approve'));
  const controller = new AbortController();
  const steps = [];
  const call = client.callTool({ name: 'slow', arguments: { steps: 600 } }, undefined, {
    signal: controller.signal,
    onprogress: ({ progress }) => {
      steps.push(progress);
      if (steps.length === 3) controller.abort();
    },
  });
  await assert.rejects(call);
  assert.deepEqual(steps.slice(0, 3), [1, 2, 3]);
  await mcp.until('cancelled', ({ tool }) => tool === 'slow');
  await client.close();
});

test('a tool can ask the person', async () => {
  const client = new Client({ name: 'pair-test', version: '1' }, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ben' } }));
  await connect(new SignIn('approve'), client);
  const { content } = await client.callTool({ name: 'ask' });
  assert.equal(content[0].text, 'Hello Ben');
  await client.close();
});

test('Deny sends an error and no code', async () => {
  const signIn = new SignIn('deny');
  const client = new Client({ name: 'pair-test', version: '1' });
  await assert.rejects(
    client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider: signIn })),
  );
  assert.equal(signIn.answer.get('error'), 'access_denied');
  assert.equal(signIn.answer.get('code'), null);
});

test('a token is refused once it was revoked', async () => {
  const signIn = new SignIn('approve');
  const client = await connect(signIn);
  const body = new URLSearchParams({ token: signIn.kept.refresh_token, client_id: signIn.client.client_id });
  const response = await fetch(`${ready.issuer}/token/revocation`, { method: 'POST', body });
  assert.equal(response.status, 200);
  const again = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${signIn.kept.access_token}`, 'content-type': 'application/json' },
    body: '{}',
  });
  assert.equal(again.status, 401);
  assert.match(again.headers.get('www-authenticate'), /resource_metadata="/);
  await client.close();
});

test('a server told so refuses loopback redirects and takes a private scheme', async () => {
  const strict = peer('oidc.mjs', ['--refuse-loopback']);
  const { issuer } = await strict.until('ready');
  const register = (uri) =>
    fetch(`${issuer}/reg`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: [uri],
        application_type: 'native',
        token_endpoint_auth_method: 'none',
      }),
    });
  const refused = await register('http://127.0.0.1:1/callback');
  assert.equal(refused.status, 400);
  assert.equal((await refused.json()).error, 'invalid_redirect_uri');
  assert.equal((await register('app.bellhop.desktop:/oauth/callback')).status, 201);
  await strict.stop();
});

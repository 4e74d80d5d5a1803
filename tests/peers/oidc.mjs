#!/usr/bin/env node
/**
 * An authorization server on loopback: npm's `oidc-provider`, with dynamic registration, PKCE, `iss`, resource
 * indicators, refresh tokens that rotate, revocation, introspection, pushed requests and the device grant. Its one page
 * has a button for each of two people, Anna and Ben, and one for Deny, that a browser or a test can press.
 *
 *   node oidc.mjs [--port N] [--path /tenant] [--name HOST --tls FILE] [--access-ttl SECONDS] [--scopes "read write"]
 *                 [--device] [--require-par] [--refuse-loopback] [--tell-secrets]
 *
 * The first line it prints is `{"event":"ready","issuer":…,"introspection":{…}}`.
 */

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Provider, errors } from 'oidc-provider';
import { endWithInput, listen, say } from './lib/peer.mjs';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    // Behind which path of its address it stands.
    path: { type: 'string', default: '' },
    name: { type: 'string' },
    tls: { type: 'string' },
    'access-ttl': { type: 'string', default: '3600' },
    scopes: { type: 'string', default: 'read write' },
    // The device grant, which comes first where no browser is at hand.
    device: { type: 'boolean', default: false },
    'require-par': { type: 'boolean', default: false },
    'refuse-loopback': { type: 'boolean', default: false },
    // For a test that looks whether they turn up where they must not.
    'tell-secrets': { type: 'boolean', default: false },
  },
});
const scopes = options.scopes.split(' ').filter(Boolean);
const people = {
  anna: { name: 'Anna Berg', email: 'anna@example.com' },
  ben: { name: 'Ben Tal', email: 'ben@example.com' },
};

endWithInput();
const { origin, port, answer } = await listen(Number(options.port), options);
const issuer = `${origin}${options.path}`;

/** The MCP server asks with this client whether a token is good. */
const introspector = { client_id: 'mcp-server', client_secret: randomBytes(24).toString('hex') };

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(issuer, {
  clients: [{ ...introspector, redirect_uris: [], response_types: [], grant_types: [] }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
  cookies: { keys: [randomBytes(24).toString('hex')] },
  scopes: ['openid', 'offline_access', 'email', 'profile', ...scopes],
  claims: { openid: ['sub'], email: ['email'], profile: ['name'] },
  // A token for one service is none for userinfo: who it is has to stand in the id token.
  conformIdTokenClaims: false,
  async findAccount(_ctx, sub) {
    return { accountId: sub, claims: () => ({ sub, ...people[sub] }) };
  },
  pkce: { required: () => true },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: Number(options['access-ttl']),
    Grant: 86_400,
    Interaction: 600,
    RefreshToken: 86_400,
    Session: 86_400,
    AuthorizationCode: 60,
    DeviceCode: 600,
  },
  interactions: { url: (_ctx, interaction) => `${options.path}/interaction/${interaction.uid}` },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    registration: { enabled: true },
    registrationManagement: { enabled: true },
    revocation: { enabled: true },
    pushedAuthorizationRequests: {
      enabled: true,
      requirePushedAuthorizationRequests: options['require-par'],
    },
    deviceFlow: {
      enabled: options.device,
      async userCodeInputSource(ctx, form) {
        ctx.body = document(withButton(form, 'Go on'));
      },
      async userCodeConfirmSource(ctx, form, client, _deviceInfo, code) {
        say('code_seen', { client: client.clientId });
        ctx.body = document(`<p>Does the device show ${escape(code)}?</p>${withButton(form, 'Yes')}`);
      },
      async successSource(ctx) {
        ctx.body = document('<p>The device is signed in.</p>');
      },
    },
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx, client) => client.clientId === introspector.client_id,
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => ({
        scope: scopes.join(' '),
        audience: resource,
        accessTokenTTL: Number(options['access-ttl']),
        accessTokenFormat: 'opaque',
      }),
    },
  },
  extraClientMetadata: {
    // Called for the property at every registration, whether or not it was sent.
    properties: ['loopback'],
    validator(_ctx, _key, _value, metadata) {
      const loopback = (uri) => /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/.test(uri);
      if (options['refuse-loopback'] && metadata.redirect_uris.some(loopback)) {
        throw new errors.InvalidRedirectUri('loopback redirects are not accepted here');
      }
    },
  },
});

/** All that went over the token endpoint and is nobody else's business. */
function secrets(ctx) {
  const { access_token, refresh_token, id_token } = ctx.body;
  const { code, code_verifier } = ctx.oidc.params;
  return [access_token, refresh_token, id_token, code, code_verifier].filter(Boolean);
}

for (const [happening, event] of Object.entries({
  'registration_create.success': 'registered',
  'registration_create.error': 'registration_refused',
  'registration_delete.success': 'unregistered',
  'authorization.success': 'authorized',
  'authorization.error': 'authorization_refused',
  'grant.success': 'token',
  'grant.error': 'token_refused',
  'refresh_token.consumed': 'refresh_rotated',
  'pushed_authorization_request.success': 'pushed',
  'device_authorization.success': 'device_code',
  'grant.revoked': 'grant_revoked',
  'access_token.destroyed': 'access_token_revoked',
  'refresh_token.destroyed': 'refresh_token_revoked',
})) {
  provider.on(happening, (subject, more) => {
    const ctx = subject?.oidc ? subject : more?.oidc ? more : undefined;
    say(event, {
      client: ctx?.oidc?.client?.clientId,
      grant: ctx?.oidc?.params?.grant_type,
      ...(options['tell-secrets'] && event === 'token' && { secrets: secrets(ctx) }),
      resource: ctx?.oidc?.params?.resource,
      ...(event === 'registered' && { name: ctx?.oidc?.client?.clientName }),
      error: (more instanceof Error ? more : subject instanceof Error ? subject : undefined)
        ?.error_description,
    });
  });
}
provider.on('server_error', (_ctx, error) => process.stderr.write(`${error.stack}\n`));

/** Grant all that is asked for: who pressed Approve meant it. */
async function approve({ params, grantId, session }, account) {
  // One browser may sign in as one person and then as another: no grant passes from the first to the second.
  const before = grantId && session?.accountId === account && (await provider.Grant.find(grantId));
  const grant = before || new provider.Grant({ accountId: account, clientId: params.client_id });
  grant.addOIDCScope(params.scope ?? 'openid');
  for (const resource of [params.resource ?? []].flat()) {
    grant.addResourceScope(resource, params.scope ?? scopes.join(' '));
  }
  return { login: { accountId: account }, consent: { grantId: await grant.save() } };
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function document(body) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sign in</title>
${body}
</html>
`;
}

/** The library's own form with a button in it. */
function withButton(form, label) {
  const buttons = ['approve', 'approve ben'].map(
    (value) => `<button name="decision" value="${value}">${label}</button>`,
  );
  return form.replace('</form>', `${buttons.join('')}</form>`);
}

function page({ uid, params }, client) {
  return document(`<h1>Sign in</h1>
<p>${escape(client?.clientName ?? params.client_id)} asks for: ${escape(params.scope ?? 'nothing')}</p>
<form method="post" action="${options.path}/interaction/${uid}">
<button name="decision" value="approve" autofocus>Approve as Anna</button>
<button name="decision" value="approve ben">Approve as Ben</button>
<button name="decision" value="deny">Deny</button>
</form>`);
}

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    const client = await provider.Client.find(details.params.client_id);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(page(details, client));
    return;
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const [decision, who = 'anna'] = (new URLSearchParams(body).get('decision') ?? '').split(' ');
  const approved = decision === 'approve';
  say(approved ? 'approved' : 'denied', { client: details.params.client_id, who });
  const result = approved
    ? await approve(details, who)
    : { error: 'access_denied', error_description: 'the person pressed Deny' };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const callback = provider.callback();
answer((request, response) => {
  if (!request.url.startsWith(`${options.path}/`)) {
    response.writeHead(404).end();
    return;
  }
  // As a framework mounts it: the library sees what stands behind the path, and the whole beside it.
  request.originalUrl = request.url;
  if (!request.url.startsWith(`${options.path}/interaction/`)) {
    request.url = request.url.slice(options.path.length);
    callback(request, response);
    return;
  }
  interact(request, response).catch((error) => {
    response.writeHead(error.statusCode ?? 500, { 'content-type': 'text/plain' });
    response.end(`${error.message}\n`);
  });
});

say('ready', { issuer, port, introspection: { url: `${issuer}/token/introspection`, ...introspector } });

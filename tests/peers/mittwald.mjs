#!/usr/bin/env node
/**
 * A twin of mittwald's MCP server and of its authorization server, each at an address of its own, with the traits that
 * break clients which follow the specifications on paper alone.
 *
 *   node mittwald.mjs [--access-ttl SECONDS] [--refresh-ttl SECONDS] [--hiccups N] [--busy N]
 *
 * The first N renewals end in a hiccup, and the first N calls of a tool in a 429 (but for the
 * one that says who is there). The first line it prints is
 * `{"event":"ready","url":…,"issuer":…,"api_token":…}`; then one for each thing that happens.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import express from 'express';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  isInitializeRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { endWithInput, listen, say } from './lib/peer.mjs';
import { Authorization, SCOPES } from './mittwald/authorization.mjs';
import { TOOLS, answer, needed } from './mittwald/tools.mjs';

const { values: options } = parseArgs({
  options: {
    'access-ttl': { type: 'string', default: '3600' },
    'refresh-ttl': { type: 'string', default: String(7 * 24 * 3600) },
    hiccups: { type: 'string', default: '0' },
    busy: { type: 'string', default: '0' },
  },
});

endWithInput();
const [hosts, mcp] = [await listen(0), await listen(0)];
const issuer = hosts.origin;
const url = `${mcp.origin}/mcp`;
const apiToken = `mstudio-${randomBytes(16).toString('hex')}`;
const authorization = new Authorization({
  issuer,
  ttl: Number(options['access-ttl']),
  refreshTtl: Number(options['refresh-ttl']),
  hiccups: Number(options.hiccups),
  token: apiToken,
});
let busy = Number(options.busy);

// --- the authorization server ---

const as = express();
as.get('/.well-known/oauth-authorization-server', (_request, response) =>
  response.json(authorization.promised),
);
// It speaks of a resource that there is not.
as.get(/^\/\.well-known\/oauth-protected-resource/, (_request, response) =>
  response.json({ resource: issuer, authorization_servers: [issuer], scopes_supported: SCOPES }),
);
as.post('/register', express.json(), (request, response) =>
  response.status(201).json(authorization.register(request.body)),
);
as.delete('/register/:id', (request, response) => {
  authorization.unregister(request.params.id, request.headers.authorization?.replace(/^Bearer /i, ''));
  response.status(204).end();
});
as.get('/authorize', (request, response) =>
  response.redirect(authorization.authorize(new URL(request.originalUrl, issuer).searchParams)),
);
as.get('/consent', (request, response) => response.type('html').send(authorization.page(request.query.ask)));
as.post('/consent', express.urlencoded({ extended: false }), (request, response) =>
  response.redirect(303, authorization.approve(request.query.ask, request.body.decision)),
);
as.post('/token', express.urlencoded({ extended: false }), (request, response) =>
  response.set('cache-control', 'no-store').json(authorization.token(new Map(Object.entries(request.body)))),
);
// What its document promises besides.
as.use((request, response) => {
  say('missing', { method: request.method, path: request.path });
  response.status(404).json({ error: 'not_found' });
});
// eslint-disable-next-line no-unused-vars -- by its four parameters the framework knows it
as.use((error, _request, response, _next) => {
  response.status(error.status ?? 500).json({ error: error.code ?? 'server_error' });
});
hosts.answer(as);

// --- the MCP server ---

/** The revisions that it knows. */
const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];

function server(grant) {
  const sdk = new Server({ name: 'mittwald-mcp', version: '1.0.0' }, { capabilities: { tools: {} } });
  sdk.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS }));
  sdk.setRequestHandler(CallToolRequestSchema, ({ params: { name } }) => {
    const needs = needed(name);
    say('call', { tool: name, account: grant.account.email });
    if (needs && !grant.scopes.includes(needs)) {
      return { isError: true, content: [{ type: 'text', text: `${needs} is needed` }] };
    }
    return answer(name, grant.account);
  });
  return sdk;
}

const transports = new Map();
const app = express();
app.get('/.well-known/oauth-protected-resource/mcp', (_request, response) =>
  response.json({ resource: url, authorization_servers: [issuer], scopes_supported: SCOPES }),
);
// The other document of the same server: it promises nothing.
app.get('/.well-known/oauth-authorization-server', (_request, response) =>
  response.json(authorization.metadata),
);
app.all('/mcp', express.json({ limit: '4mb' }), async (request, response) => {
  const revision = request.headers['mcp-protocol-version'];
  if (revision !== undefined && !REVISIONS.includes(revision)) {
    say('revision_refused', { revision });
    response.status(400).json({ error: `Unsupported protocol version ${revision}` });
    return;
  }
  const grant = authorization.grant(request.headers.authorization?.replace(/^Bearer /i, ''));
  if (!grant) {
    const challenge = `Bearer realm="mittwald", authorization_uri="${issuer}/authorize"`;
    response.status(401).set('www-authenticate', challenge).json({ error: 'unauthorized' });
    return;
  }
  if (request.body?.method === 'tools/call' && request.body.params.name !== 'mittwald_user_get' && busy > 0) {
    busy -= 1;
    say('busy');
    response.status(429).set('retry-after', '2').json({ error: 'rate_limited' });
    return;
  }
  const session = request.headers['mcp-session-id'];
  let transport = transports.get(session);
  if (!transport && !session && isInitializeRequest(request.body)) {
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => transports.set(id, transport),
      onsessionclosed: (id) => transports.delete(id),
    });
    await server(grant).connect(transport);
  }
  if (!transport) {
    response.status(session ? 404 : 400).json({ error: 'no session' });
    return;
  }
  await transport.handleRequest(request, response, request.body);
});
mcp.answer(app);

say('ready', { url, issuer, api_token: apiToken });

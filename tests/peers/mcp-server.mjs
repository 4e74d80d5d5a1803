#!/usr/bin/env node
/**
 * An MCP server made with the official TypeScript SDK (Streamable HTTP, one session a client) behind the
 * authorization server of `oidc.mjs`.
 *
 *   node mcp-server.mjs --authorization '<the ready line of oidc.mjs>' [--port N] [--name HOST --tls FILE]
 *
 * The first line it prints is `{"event":"ready","url":…}`; then one for each thing that reached it.
 */

import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import express from 'express';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import {
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthMetadataRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { endWithInput, listen, say } from './lib/peer.mjs';

const { values: options } = parseArgs({
  options: {
    authorization: { type: 'string' },
    port: { type: 'string', default: '0' },
    name: { type: 'string' },
    tls: { type: 'string' },
  },
});
const { issuer, introspection } = JSON.parse(options.authorization);

endWithInput();
const { origin, port, answer } = await listen(Number(options.port), options);
const url = new URL(`${origin}/mcp`);

/** Notes live as long as the process: every session of this account sees the same. */
const notes = new Map([['welcome', 'This note was here before you.']]);

/** A server of its own for each session, as the SDK wants it. */
function server() {
  const mcp = new McpServer(
    { name: 'bellhop-peer', version: '1.0.0' },
    { capabilities: { logging: {} }, instructions: 'A server to test with.' },
  );
  const called = (tool, extra, details) =>
    say('call', { tool, session: extra.sessionId, client: extra.authInfo?.clientId, ...details });

  mcp.registerTool(
    'echo',
    {
      description: 'Says what it was told.',
      inputSchema: { text: z.string() },
      annotations: { readOnlyHint: true },
    },
    async ({ text }, extra) => {
      called('echo', extra, { text });
      return { content: [{ type: 'text', text }] };
    },
  );

  mcp.registerTool(
    'write_note',
    {
      description: 'Keeps a note.',
      inputSchema: { name: z.string(), text: z.string() },
      outputSchema: { notes: z.number() },
      annotations: { readOnlyHint: false, destructiveHint: false },
    },
    async ({ name, text }, extra) => {
      called('write_note', extra, { name });
      notes.set(name, text);
      await mcp.server.sendResourceListChanged();
      const structuredContent = { notes: notes.size };
      return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
    },
  );

  mcp.registerTool(
    'slow',
    {
      description: 'Takes its time, and says how far it is every 100 ms.',
      inputSchema: { steps: z.number().int().min(1).max(6000).default(20) },
      annotations: { readOnlyHint: true },
    },
    async ({ steps }, extra) => {
      called('slow', extra, { steps });
      for (let step = 1; step <= steps; step += 1) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (extra.signal.aborted) {
          say('cancelled', { tool: 'slow', session: extra.sessionId, step });
          return { isError: true, content: [{ type: 'text', text: 'cancelled' }] };
        }
        const progressToken = extra._meta?.progressToken;
        if (progressToken !== undefined) {
          const params = { progressToken, progress: step, total: steps, message: `step ${step}` };
          await extra.sendNotification({ method: 'notifications/progress', params });
        }
      }
      say('finished', { tool: 'slow', session: extra.sessionId });
      return { content: [{ type: 'text', text: `${steps} steps` }] };
    },
  );

  mcp.registerTool(
    'fail',
    { description: 'Always fails.', annotations: { readOnlyHint: true } },
    async (extra) => {
      called('fail', extra);
      return { isError: true, content: [{ type: 'text', text: 'This tool always fails.' }] };
    },
  );

  mcp.registerTool(
    'ask',
    { description: 'Asks the person for a name.', annotations: { readOnlyHint: true } },
    async (extra) => {
      called('ask', extra);
      const answered = await mcp.server.elicitInput(
        {
          message: 'What is your name?',
          requestedSchema: {
            type: 'object',
            properties: { name: { type: 'string', title: 'Name' } },
            required: ['name'],
          },
        },
        { relatedRequestId: extra.requestId },
      );
      say('answered', { tool: 'ask', action: answered.action });
      const text = answered.action === 'accept' ? `Hello ${answered.content.name}` : answered.action;
      return { content: [{ type: 'text', text }] };
    },
  );

  mcp.registerResource(
    'note',
    new ResourceTemplate('note:///{name}', {
      list: () => ({
        resources: [...notes.keys()].map((name) => ({
          uri: `note:///${name}`,
          name,
          mimeType: 'text/plain',
        })),
      }),
    }),
    { description: 'A note.', mimeType: 'text/plain' },
    (uri, { name }, extra) => {
      say('read', { uri: uri.href, session: extra.sessionId });
      return { contents: [{ uri: uri.href, mimeType: 'text/plain', text: notes.get(name) ?? '' }] };
    },
  );

  mcp.registerPrompt(
    'greet',
    { description: 'Greets somebody.', argsSchema: { name: z.string() } },
    ({ name }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Say hello to ${name}.` } }],
    }),
  );
  return mcp;
}

/** Asks the authorization server what a token is worth (RFC 7662). */
const verifier = {
  async verifyAccessToken(token) {
    const credentials = Buffer.from(`${introspection.client_id}:${introspection.client_secret}`).toString(
      'base64',
    );
    const response = await fetch(introspection.url, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}` },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    });
    const seen = await response.json();
    const audience = [seen.aud ?? []].flat();
    if (!seen.active || !audience.includes(url.href)) {
      say('refused', { reason: seen.active ? 'audience' : 'inactive' });
      throw new InvalidTokenError(
        seen.active ? 'The token is for another resource' : 'The token is not valid',
      );
    }
    return {
      token,
      clientId: seen.client_id,
      scopes: (seen.scope ?? '').split(' ').filter(Boolean),
      expiresAt: seen.exp,
      resource: url,
      extra: { sub: seen.sub },
    };
  },
};

const app = express();
app.use(
  mcpAuthMetadataRouter({
    oauthMetadata: await (await fetch(`${issuer}/.well-known/openid-configuration`)).json(),
    resourceServerUrl: url,
    scopesSupported: ['read', 'write'],
    resourceName: 'Bellhop peer',
  }),
);

const transports = new Map();
const bearer = requireBearerAuth({
  verifier,
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(url),
});

app.post('/mcp', bearer, express.json({ limit: '4mb' }), async (request, response) => {
  const { method, params } = request.body ?? {};
  const session = request.headers['mcp-session-id'];
  say('request', { method, session, client: request.auth.clientId, caller: params?.clientInfo?.name });
  let transport = transports.get(session);
  if (!transport && !session && isInitializeRequest(request.body)) {
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => transports.set(id, transport),
      onsessionclosed: (id) => {
        transports.delete(id);
        say('closed', { session: id });
      },
    });
    await server().connect(transport);
  }
  if (!transport) {
    // 404 tells the client to begin a new session, 400 that this request needs one.
    const code = session ? 404 : method === 'server/discover' ? 200 : 400;
    const error =
      code === 200
        ? { code: -32601, message: 'Method not found' }
        : { code: -32000, message: 'No valid session' };
    response.status(code).json({ jsonrpc: '2.0', error, id: request.body?.id ?? null });
    return;
  }
  await transport.handleRequest(request, response, request.body);
});

const known = async (request, response) => {
  const transport = transports.get(request.headers['mcp-session-id']);
  if (transport) await transport.handleRequest(request, response);
  else response.status(404).send('No such session\n');
};
app.get('/mcp', bearer, known);
app.delete('/mcp', bearer, known);
app.head('/mcp', bearer, (_request, response) =>
  response.status(405).set('Allow', 'GET, POST, DELETE').end(),
);

answer(app);
say('ready', { url: url.href, issuer, port });

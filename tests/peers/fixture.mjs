#!/usr/bin/env node
/**
 * An MCP server with everything that the conformance suite asks for, made with the official TypeScript SDKs. Nobody
 * needs to sign in.
 *
 *   node fixture.mjs --era legacy|modern|both [--port N]
 *
 * The first line it prints is `{"event":"ready","url":…}`; then one for each thing that reached it.
 */

import { parseArgs } from 'node:util';
import { toWebRequest } from '@modelcontextprotocol/node';
import { localhostHostValidation } from '@modelcontextprotocol/sdk/server/middleware/hostHeaderValidation.js';
import { isLegacyRequest } from '@modelcontextprotocol/server';
import express from 'express';
import { legacy } from './fixture/legacy.mjs';
import { modern } from './fixture/modern.mjs';
import { endWithInput, listen, say } from './lib/peer.mjs';

const { values: options } = parseArgs({
  options: { era: { type: 'string', default: 'both' }, port: { type: 'string', default: '0' } },
});

/** Each request to the era that it belongs to. */
async function both(request, response) {
  const old = await isLegacyRequest(await toWebRequest(request, request.body));
  await (old ? legacy : modern)(request, response);
}

const era = { legacy, modern, both }[options.era];
if (!era) {
  console.error(`There is no era “${options.era}”`);
  process.exit(2);
}

endWithInput();
const { origin, answer } = await listen(Number(options.port));

const app = express();
app.use(localhostHostValidation());
app.use(express.json({ limit: '4mb' }));
app.use((error, _request, response, next) => {
  if (response.headersSent) return next(error);
  const message = 'Parse error: Invalid JSON';
  response.status(400).json({ jsonrpc: '2.0', error: { code: -32700, message }, id: null });
});
app.all('/mcp', (request, response) => {
  const { method, id } = request.body ?? {};
  say('request', {
    http: request.method,
    method,
    id,
    session: request.headers['mcp-session-id'],
    revision: request.headers['mcp-protocol-version'],
  });
  return era(request, response);
});

answer(app);
say('ready', { url: `${origin}/mcp`, era: options.era });

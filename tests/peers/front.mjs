#!/usr/bin/env node
/**
 * A door in front of Bellhop for programs that can't sign in: it adds the bearer to what lacks one, and where such a
 * program names this address in `Host` or `Origin`, it names Bellhop's. All else goes through as it comes, both
 * ways, and who hangs up on one side is hung up on at the other.
 *
 *   node front.mjs --to http://127.0.0.1:PORT --bearer TOKEN [--port N]
 *
 * The first line it prints is `{"event":"ready","origin":…}`; then one for each answer: method, path and status.
 */

import { Agent, request as send } from 'node:http';
import { parseArgs } from 'node:util';
import { endWithInput, listen, say } from './lib/peer.mjs';

const { values: options } = parseArgs({
  options: { to: { type: 'string' }, bearer: { type: 'string' }, port: { type: 'string', default: '0' } },
});
const to = new URL(options.to);

endWithInput();
const { origin, answer } = await listen(Number(options.port));
const { port } = new URL(origin);
const agent = new Agent({ keepAlive: true });

/** What belongs to one connection and not to the message (RFC 9110 §7.6.1). */
const HOP = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-connection'];

const OURS = [`127.0.0.1:${port}`, `localhost:${port}`];

/** The value that Bellhop is to see. */
function seen(name, value) {
  if (name === 'host' && OURS.includes(value)) return to.host;
  if (name === 'origin' && OURS.some((ours) => value === `http://${ours}`)) return to.origin;
  return value;
}

/** Headers as they came, in their order, without those of the connection. */
function* passed(raw) {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i].toLowerCase();
    if (!HOP.includes(name)) yield [raw[i], seen(name, raw[i + 1])];
  }
}

answer((request, response) => {
  const headers = [...passed(request.rawHeaders)].flat();
  if (request.headers.authorization === undefined) headers.push('Authorization', `Bearer ${options.bearer}`);
  if (request.headers['transfer-encoding'] !== undefined) headers.push('Transfer-Encoding', 'chunked');
  const { method, url: path } = request;
  const upstream = send({ host: to.hostname, port: to.port, agent, method, path, headers, setHost: false });
  upstream.on('response', (reply) => {
    say('answered', { method, path, status: reply.statusCode });
    response.writeHead(reply.statusCode, reply.statusMessage, [...passed(reply.rawHeaders)].flat());
    response.flushHeaders();
    reply.pipe(response);
    reply.on('error', () => response.destroy());
  });
  upstream.on('error', () => response.destroy());
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
});

say('ready', { origin });

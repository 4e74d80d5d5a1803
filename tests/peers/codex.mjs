#!/usr/bin/env node
/**
 * The real Codex: adds a server, signs in through the browser it would open, lists its servers, and makes a tool
 * call through its app server, without a model.
 *
 *   node codex.mjs URL [--name bellhop] [--home DIR] [--configured] [--tool echo] [--arguments JSON]
 *
 * `--configured` takes the config as it is in HOME/.codex, as `bellhop connect codex` writes it, and only signs
 * in. Prints a JSON line for each step; leaves with 1 when one fails.
 */

import { mkdirSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { say } from './lib/peer.mjs';
import { computer, program, rpc, run } from './lib/run.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'bellhop' },
    home: { type: 'string' },
    configured: { type: 'boolean', default: false },
    tool: { type: 'string', default: 'echo' },
    arguments: { type: 'string', default: '{"text":"hello"}' },
    'no-call': { type: 'boolean', default: false },
  },
});
const [url] = positionals;
const env = computer(options.home);
const codex = program('codex');

const folder = join(env.HOME, '.codex');
mkdirSync(folder, { recursive: true });
// Tests have no keychain of their own; Codex then keeps what it signed in to in a file of this home.
const store = ['-c', 'mcp_oauth_credentials_store="file"'];
if (!options.configured && !existsSync(join(folder, 'config.toml')))
  writeFileSync(join(folder, 'config.toml'), '');

function fail(step, { code, output, errors }) {
  say('failed', { step, code, output: output.slice(-2000), errors: errors.slice(-2000) });
  process.exit(1);
}

const signIn = options.configured
  ? ['mcp', 'login', options.name, ...store]
  : ['mcp', 'add', options.name, '--url', url, ...store];
const signedIn = await run(codex, signIn, { env, seconds: 150 });
if (signedIn.code !== 0 || !/Successfully logged in/.test(signedIn.output + signedIn.errors))
  fail('sign-in', signedIn);
say('signed_in', { name: options.name });

const listed = await run(codex, ['mcp', 'list', '--json', ...store], { env });
if (listed.code !== 0) fail('list', listed);
const server = JSON.parse(listed.output).find(({ name }) => name === options.name);
say('listed', { name: server?.name, url: server?.transport?.url, auth: server?.auth_status });

if (!options['no-call']) {
  const app = rpc(codex, ['app-server', ...store], { env });
  try {
    await app.ask('initialize', {
      clientInfo: { name: 'bellhop-peers', title: 'Bellhop peers', version: '1.0.0' },
    });
    app.notify('initialized');
    const { data } = await app.ask('mcpServerStatus/list', {});
    const status = data.find(({ name }) => name === options.name);
    say('status', { auth: status?.authStatus, tools: Object.keys(status?.tools ?? {}) });
    const { thread } = await app.ask('thread/start', { cwd: env.HOME, ephemeral: true });
    const result = await app.ask('mcpServer/tool/call', {
      threadId: thread.id,
      server: options.name,
      tool: options.tool,
      arguments: JSON.parse(options.arguments),
    });
    say('result', { tool: options.tool, isError: result.isError ?? false, content: result.content });
  } catch (error) {
    say('failed', { step: 'call', error: error.message });
    process.exitCode = 1;
  } finally {
    await app.stop();
  }
}

#!/usr/bin/env node
/**
 * The real Claude Code: adds a server, signs in through the browser it would open, and says whether it is
 * connected. No account, no model.
 *
 *   node claude.mjs URL [--name bellhop] [--home DIR] [--configured]
 *
 * `--configured` takes the config as it is in HOME, as `bellhop connect claude-code` writes it. Prints a JSON
 * line for each step; leaves with 1 when one fails.
 */

import { parseArgs } from 'node:util';
import { say } from './lib/peer.mjs';
import { computer, program, run } from './lib/run.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'bellhop' },
    home: { type: 'string' },
    configured: { type: 'boolean', default: false },
  },
});
const [url] = positionals;
const env = {
  ...computer(options.home),
  // Nothing but the server under test is to be spoken to.
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
};
const claude = program('claude');

function fail(step, { code, output, errors }) {
  say('failed', { step, code, output: output.slice(-2000), errors: errors.slice(-2000) });
  process.exit(1);
}

/** What `claude mcp list` says of the server. */
async function state(step) {
  const listed = await run(claude, ['mcp', 'list'], { env });
  const line = listed.output.split('\n').find((text) => text.startsWith(`${options.name}:`));
  if (!line) fail(step, listed);
  const known = { Connected: 'connected', 'Needs authentication': 'signed_out', Failed: 'failed' };
  const word = Object.keys(known).find((text) => line.includes(text));
  say('listed', { state: known[word] ?? line });
  return known[word];
}

if (!options.configured) {
  const added = await run(claude, ['mcp', 'add', '--transport', 'http', '-s', 'user', options.name, url], {
    env,
  });
  if (added.code !== 0) fail('add', added);
  say('added', { name: options.name });
}

if ((await state('before')) !== 'connected') {
  // It only opens a browser at a terminal: `script` plays one.
  const login = `${claude} mcp login ${options.name}`;
  const signedIn = await run('script', ['-qec', login, '/dev/null'], { env, seconds: 150 });
  if (!/Authenticated with/.test(signedIn.output)) fail('sign-in', signedIn);
  say('signed_in', { name: options.name });
  if ((await state('after')) !== 'connected') process.exitCode = 1;
}

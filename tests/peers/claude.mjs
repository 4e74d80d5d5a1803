#!/usr/bin/env node
/**
 * The real Claude Code: adds a server, signs in through the browser it would open, says whether it is connected,
 * and makes a tool call that a model made of ten lines asks it for. No account.
 *
 *   node claude.mjs URL [--name bellhop] [--home DIR] [--configured] [--tool echo] [--arguments JSON] [--no-call]
 *
 * `--configured` takes the config as it is in HOME, as `bellhop connect claude-code` writes it. Prints a JSON
 * line for each step; leaves with 1 when one fails.
 */

import { parseArgs } from 'node:util';
import { model } from './lib/model.mjs';
import { say } from './lib/peer.mjs';
import { computer, program, run } from './lib/run.mjs';

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
  if ((await state('after')) !== 'connected') process.exit(1);
}

if (!options['no-call']) {
  const tool = `mcp__${options.name}__${options.tool}`;
  const { url: address, results } = await model(tool, JSON.parse(options.arguments));
  const called = await run(claude, ['-p', `call ${options.tool}`, '--allowedTools', tool], {
    env: {
      ...env,
      ANTHROPIC_BASE_URL: address,
      ANTHROPIC_API_KEY: 'none',
      // Otherwise the model would have to look for the tool first.
      ENABLE_TOOL_SEARCH: 'false',
    },
    seconds: 90,
  });
  const result = results.find(({ tool_use_id: id }) => id === 'toolu_1');
  if (!result) fail('call', called);
  say('result', { tool: options.tool, isError: result.is_error ?? false, content: result.content });
}
// The model still listens.
process.exit();

#!/usr/bin/env node
/**
 * An app made with the official TypeScript SDK, of either version, that does with the fixture (`fixture.mjs`) all
 * there is to do: at an address, or at a program that it starts.
 *
 *   node client.mjs URL --sdk 1|2 [--era legacy|modern|auto] [--bearer TOKEN] [--prefix fx_]
 *   node client.mjs --program '{"command":…,"args":[…],"env":{…}}' --sdk 1|2 …
 *
 * The prefix is what tools and prompts have before their names there, and a long name may be cut; what is printed is
 * what the fixture calls them.
 * It prints one JSON line for each step, and leaves with 1 when one fails.
 */

import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { tools as offered } from './fixture/tools.mjs';
import { connect } from './lib/mcp.mjs';
import { say } from './lib/peer.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sdk: { type: 'string', default: '2' },
    era: { type: 'string', default: 'auto' },
    bearer: { type: 'string' },
    program: { type: 'string' },
    prefix: { type: 'string', default: '' },
  },
});

const WATCHED = 'test://watched-resource';

const asked = [];
const heard = [];
let look = () => {};
const to = options.program ? JSON.parse(options.program) : positionals[0];
const {
  client,
  era,
  call: callPublic,
  watch,
  close,
} = await connect(to, {
  ...options,
  asked: (method) => asked.push(method),
  heard: (method, params) => {
    heard.push({ method, params });
    look();
  },
});
say('connected', {
  era,
  server: client.getServerVersion()?.name,
  capabilities: Object.keys(client.getServerCapabilities()).sort(),
});

const { prefix } = options;

/** What a tool is called here: a name that was cut is known by its description. */
function listed(own) {
  const { description } = offered().find(({ name }) => name === own);
  const found = tools.find((tool) => tool.description === description);
  assert.ok(found.name === prefix + own || found.name.startsWith(prefix + own.slice(0, 20)), found.name);
  return found.name;
}
const call = (name, ...rest) => callPublic(listed(name), ...rest);

const { tools } = await client.listTools();
const { prompts } = await client.listPrompts();
const { resources } = await client.listResources();
const { resourceTemplates } = await client.listResourceTemplates();
say('listed', {
  tools: offered()
    .map(({ name }) => name)
    .filter(listed),
  prompts: prompts.map(({ name }) => name.slice(prefix.length)),
  resources: resources.map(({ uri }) => uri),
  templates: resourceTemplates.map(({ uriTemplate }) => uriTemplate),
});

/** Call a tool that answers with a text. */
async function text(name, args, more) {
  const result = await call(name, args, more);
  assert.ok(!result.isError, JSON.stringify(result));
  return result.content[0].text;
}

say('called', { text: await text('test_simple_text') });
const { structuredContent } = await call('test_structured', { city: 'Ulm' });
say('structured', { structuredContent });
say('mirrored', { text: await text('test_headers', { city: 'Zürich am See ' }) });
say('failed', { isError: (await call('test_error_handling')).isError });

const steps = [];
await call('test_tool_with_progress', {}, { onprogress: ({ progress }) => steps.push(progress) });
say('progress', { steps });

/** Whether a notification came, or comes. */
const until = (method) =>
  new Promise((resolve) => {
    look = () => {
      const at = heard.findIndex((one) => one.method === method);
      if (at >= 0) resolve(heard.splice(at, 1)[0].params);
    };
    look();
  });

const logged = [];
await call('test_tool_with_logging');
for (let i = 0; i < 3; i += 1) logged.push((await until('notifications/message')).data);
say('logged', { logged });

/** A call in which the app is asked something: what it came to, and with what it was asked. */
async function ask(name, args, more) {
  asked.length = 0;
  const answered = await text(name, args, more);
  say('asked', { tool: name, methods: [...asked].sort(), text: answered });
}
await ask('test_elicitation', { message: 'Who are you?' });
await ask('test_elicitation_sep1330_enums');
await ask('test_sampling', { prompt: 'tea' });
await ask('test_input_required_result_list_roots');
await ask('test_input_required_result_multiple_inputs');
await ask('test_input_required_result_multi_round');
// With progress before it, the question comes on an event stream in the new era, too.
await ask('test_streaming_elicitation', {}, { onprogress: () => {} });

const { messages } = await client.getPrompt({ name: `${prefix}test_input_required_result_prompt` });
say('prompt', { text: messages[0].content.text });
const read = async (uri) => (await client.readResource({ uri })).contents[0].text;
say('read', { texts: [await read('test://static-text'), await read('test://asking')] });
const { completion } = await client.complete({
  ref: { type: 'ref/prompt', name: `${prefix}test_prompt_with_arguments` },
  argument: { name: 'arg1', value: 'pa' },
});
say('completed', { values: completion.values });
await assert.rejects(read('test://no-such-resource'), ({ code }) => code === -32002 || code === -32602);
say('missed');

const stop = await watch(WATCHED);
await call('test_trigger_tool_change');
await until('notifications/tools/list_changed');
const after = (await client.listTools()).tools.length;
await call('test_trigger_tool_change');
await until('notifications/tools/list_changed');
say('changed', {
  tools: after - tools.length,
  again: (await client.listTools()).tools.length - tools.length,
});
const before = await read(WATCHED);
await call('test_trigger_resource_change');
const { uri } = await until('notifications/resources/updated');
say('updated', { uri, anew: (await read(WATCHED)) !== before });
await stop();

const leave = new AbortController();
const left = call('test_slow', { steps: 1000 }, { signal: leave.signal, onprogress: () => leave.abort() });
await assert.rejects(left);
say('left');
say('called', { text: await text('test_simple_text') });

await close();
say('done');

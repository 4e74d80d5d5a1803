/** The fixture answers alike in both eras, whatever asks it. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect } from '../lib/mcp.mjs';
import { peer } from '../lib/run.mjs';

/** Arguments for the tools that take some. */
const ARGUMENTS = {
  test_sampling: { prompt: 'tea' },
  test_elicitation: { message: 'Who are you?' },
  test_structured: { city: 'Ulm' },
  test_headers: { city: 'Ulm', note: 'süß' },
  test_slow: { steps: 2 },
  json_schema_2020_12_tool: { name: 'Anna', contactMethod: 'phone', phone: '1' },
};

/** They change the fixture itself, and ask what an app need not have. */
const LATER = ['test_trigger_tool_change', 'test_trigger_prompt_change', 'test_trigger_resource_change'];

const servers = {};

before(async () => {
  for (const era of ['legacy', 'modern', 'both']) {
    const fixture = peer('fixture.mjs', ['--era', era]);
    const { url } = await fixture.until('ready');
    servers[era] = { ...fixture, url };
  }
});

after(() => Promise.all(Object.values(servers).map((server) => server.stop())));

/** All that a server says to an app. */
async function everything(url, options) {
  const { client, call, close } = await connect(url, options);
  const { tools } = await client.listTools();
  const { prompts } = await client.listPrompts();
  const { resources } = await client.listResources();
  const { resourceTemplates } = await client.listResourceTemplates();
  const called = {};
  for (const { name } of tools.filter(({ name }) => !LATER.includes(name))) {
    const { content, structuredContent, isError } = await call(name, ARGUMENTS[name]);
    called[name] = { content, structuredContent, failed: Boolean(isError) };
  }
  const got = {};
  for (const { name, arguments: args = [] } of prompts) {
    const words = Object.fromEntries(args.map(({ name }) => [name, `a word for ${name}`]));
    got[name] = (await client.getPrompt({ name, arguments: words })).messages;
  }
  const read = {};
  for (const uri of [...resources.map(({ uri }) => uri), 'test://template/1%2F2/data']) {
    read[uri] = (await client.readResource({ uri })).contents;
  }
  await close();
  // Without the members that are there and hold nothing.
  return JSON.parse(JSON.stringify({ tools, prompts, resources, resourceTemplates, called, got, read }));
}

test('both eras and both SDKs see the same server', async () => {
  const seen = await everything(servers.legacy.url, { sdk: '1' });
  assert.equal(seen.called.test_error_handling.failed, true);
  assert.equal(seen.called.test_simple_text.failed, false);
  assert.match(seen.called.test_sampling.content[0].text, /About “tea”/);
  assert.equal(seen.called.test_missing_capability.failed, false);
  assert.deepEqual(seen.called.test_structured.structuredContent, { city: 'Ulm', degrees: -1.5, über: true });
  for (const [server, options] of [
    ['legacy', { sdk: '2', era: 'auto' }],
    ['modern', { sdk: '2', era: 'modern' }],
    ['both', { sdk: '1' }],
    ['both', { sdk: '2', era: 'auto' }],
  ]) {
    const other = await everything(servers[server].url, options);
    for (const part of Object.keys(seen)) assert.deepEqual(other[part], seen[part], `${server}: ${part}`);
  }
});

test('each speaks only the era it was started for', async () => {
  await assert.rejects(connect(servers.legacy.url, { sdk: '2', era: 'modern' }));
  await assert.rejects(connect(servers.modern.url, { sdk: '1' }));
  const { era, close } = await connect(servers.both.url, { sdk: '2', era: 'auto' });
  assert.equal(era, 'modern');
  await close();
});

test('changes are told to whoever watches, and a call that is left is told of', async () => {
  for (const [server, options] of [
    ['legacy', { sdk: '1' }],
    ['modern', { sdk: '2', era: 'modern' }],
  ]) {
    const heard = [];
    let look = () => {};
    const { call, watch, close } = await connect(servers[server].url, {
      ...options,
      heard: (method) => {
        heard.push(method);
        look();
      },
    });
    const until = (method) =>
      new Promise((resolve) => {
        look = () => heard.includes(method) && resolve();
        look();
      });
    await watch('test://watched-resource');
    await call('test_trigger_tool_change');
    await until('notifications/tools/list_changed');
    await call('test_trigger_prompt_change');
    await until('notifications/prompts/list_changed');
    await call('test_trigger_resource_change');
    await until('notifications/resources/updated');
    await call('test_logging_tool');
    await until('notifications/message');

    const leave = new AbortController();
    const left = call(
      'test_slow',
      { steps: 1000 },
      { signal: leave.signal, onprogress: () => leave.abort() },
    );
    await assert.rejects(left);
    await servers[server].until('cancelled', ({ era }) => era === server);
    await close();
  }
});

#!/usr/bin/env node
/**
 * What the specification's own suite starts as the client that it checks: a person who signs in to the suite's
 * server with Bellhop, and an app (the official SDK's client) that uses it through the bridge. Between the app and
 * the suite stands nothing but `bellhop serve`, in a home of its own.
 *
 *   BELLHOP_PROGRAMS=target/debug node conformance-client.mjs URL
 *
 * The suite says in its variables which scenario it plays, and what a person would know besides the address. Leaves
 * with 1 when the person or the app got stuck; what was wrong then stands in its errors.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from './lib/mcp.mjs';
import { computer } from './lib/run.mjs';

const PIN = 'pin-2468-tea';
const NAME = 'suite';
/** Milliseconds, well below what the suite is told to wait. */
const STUCK = 20_000;

const url = process.argv.at(-1);
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT || '{}');
const modern = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION === '2026-07-28';
const bellhop = join(process.env.BELLHOP_PROGRAMS, 'bellhop');
const home = mkdtempSync(join(tmpdir(), 'bellhop-suite-'));
const env = { ...computer(), BELLHOP_HOME: join(home, 'bellhop') };
// Where the document stands by which Bellhop introduces itself: the suite knows one address alone.
if (process.env.MCP_CONFORMANCE_SCENARIO === 'auth/basic-cimd')
  env.BELLHOP_CLIENT_METADATA_URL = 'https://conformance-test.local/client-metadata.json';
delete env.DISPLAY;
delete env.BROWSER;

/** What the person's terminal and the app are busy with, for when they get stuck. */
const running = new Map();
let step = '';

/** Leave at once, and leave nothing behind: the suite waits for whatever still has its pipes. */
function giveUp(why) {
  process.stderr.write(`${why} at: ${step}; running: ${[...running.values()].join(', ') || 'nothing'}\n`);
  for (const child of running.keys()) child.kill('SIGKILL');
  process.exit(1);
}
setTimeout(giveUp, STUCK, 'stuck').unref();
process.on('uncaughtException', (error) => giveUp(error.stack));

/** A port that nobody has. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Run a command of `bellhop`; `line` sees what it prints as it does. */
function run(args, { input = '', line = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const step = `bellhop ${args.join(' ')}`;
    const child = spawn(bellhop, args, { env, cwd: env.HOME });
    running.set(child, step);
    let [output, errors] = ['', ''];
    createInterface({ input: child.stdout }).on('line', (text) => {
      output += `${text}\n`;
      line(text);
    });
    child.stderr.on('data', (data) => (errors += data));
    child.once('error', reject);
    // A command that has its answer before it needs the PIN never reads it.
    child.stdin.on('error', () => {});
    child.once('close', (code) => {
      running.delete(child);
      resolve({ code, output, errors });
    });
    child.stdin.end(input && `${input}\n`);
  });
}

/** `bellhop serve`, once it is ready. */
async function serve() {
  writeFileSync(join(home, 'pin'), `${PIN}\n`);
  env.BELLHOP_PORT = String(await freePort());
  const args = ['serve', '--keys', 'session', '--port', env.BELLHOP_PORT, '--pin-file', join(home, 'pin')];
  const child = spawn(bellhop, args, { env, cwd: env.HOME, stdio: ['ignore', 'pipe', 'inherit'] });
  running.set(child, 'bellhop serve');
  const closed = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on(
      'line',
      (line) => line.startsWith('Bellhop is ready') && resolve(),
    );
    closed.then(() => reject(new Error('bellhop serve ended')));
  });
  return async () => {
    child.kill('SIGTERM');
    await closed;
  };
}

/** The person's browser: the suite's authorization server approves by itself, so it only has to be led back. */
const open = (line) => line.startsWith('http') && fetch(line).catch(() => {});

/** The person signs in, with the id of an app that they registered where the scenario has one. */
async function signIn(...more) {
  const args = ['services', 'add', url, ...more, '--no-browser'];
  if (context.client_id) args.push('--client-id', context.client_id);
  if (context.client_secret) {
    const file = join(home, 'client-secret');
    writeFileSync(file, `${context.client_secret}\n`, { mode: 0o600 });
    args.push('--client-secret-file', file);
  }
  const ran = await run(args, { line: open });
  process.stderr.write(ran.errors);
  return ran.code === 0;
}

/** How the services stand. */
async function services() {
  const { code, output } = await run(['services', '--json']);
  return code === 0 ? JSON.parse(output) : [];
}

/** Whether Bellhop says that the person has to sign in again. */
async function needsPerson() {
  return (await services()).some((service) => service.state.state === 'needs_sign_in');
}

/** The person allows what a service wants for a call that waits. */
async function allowMore() {
  for (const { name, permissions } of await services()) {
    if (!permissions.wanted.length) continue;
    const more = permissions.wanted.flatMap((one) => ['--more', one]);
    await run(['services', 'sign-in', name, ...more, '--no-browser'], { line: open });
  }
}

/** The person, who lets in whoever asks and allows what a service wants, until the app is done. */
async function watch(done) {
  while (!done.aborted) {
    const asked = await run(['requests', '--json']);
    for (const request of asked.code === 0 ? JSON.parse(asked.output) : []) {
      await run(['approve', request.code || request.id, '--scope', `${NAME}:write`], { input: PIN });
    }
    await allowMore();
    await pause(200, undefined, { signal: done }).catch(() => {});
  }
}

/** Something for every field of a schema. */
function filled(schema = {}) {
  const words = { string: 'tea', integer: 5, number: 3, boolean: true, array: [], object: {} };
  const fields = Object.entries(schema.properties ?? {});
  return Object.fromEntries(
    fields.map(([name, field]) => [name, field.default ?? field.enum?.[0] ?? words[field.type] ?? 'tea']),
  );
}

/** Leave out what has a default, and be given it back: what SEP-1034 wants of an app. */
const defaults = ({ params: { requestedSchema } }) => ({
  action: 'accept',
  content: Object.fromEntries(
    Object.entries(requestedSchema.properties)
      .filter(([, field]) => field.default !== undefined)
      .map(([name, field]) => [name, field.default]),
  ),
});

/** The app: everything that is listed is used once; tools with the arguments that the suite gives, where it does. */
async function use({ client, call }) {
  const can = client.getServerCapabilities() ?? {};
  const { tools } = can.tools ? await client.listTools() : { tools: [] };
  const given = context.toolCalls?.map((one) => ({ ...one, name: `${NAME}_${one.name}` }));
  for (const { name, arguments: args } of given ??
    tools.map((t) => ({ name: t.name, arguments: filled(t.inputSchema) }))) {
    await call(name, args, { timeout: 20_000 }).catch((error) =>
      process.stderr.write(`${name}: ${error.message}\n`),
    );
  }
  if (can.resources) {
    const { resources } = await client.listResources();
    for (const { uri } of resources) await client.readResource({ uri });
  }
  if (can.prompts) {
    const { prompts } = await client.listPrompts();
    for (const prompt of prompts) {
      const args = Object.fromEntries((prompt.arguments ?? []).map((one) => [one.name, 'tea']));
      await client.getPrompt({ name: prompt.name, arguments: args });
    }
  }
}

step = 'serve starts';
const stop = await serve();
const done = new AbortController();
try {
  step = 'the person signs in';
  if (!(await signIn('--name', NAME))) process.exitCode = 1;
  else {
    const person = watch(done.signal);
    const to = { command: bellhop, args: ['mcp', '--app', 'conformance', '--home', env.BELLHOP_HOME], env };
    step = 'the app connects';
    const app = await connect(to, {
      sdk: modern ? '2' : '1',
      era: modern ? 'modern' : 'legacy',
      answers: { 'elicitation/create': defaults },
    });
    step = 'the app uses the service';
    await use(app);
    // The person sees that Bellhop needs them, signs in again, and the app goes on.
    if (await needsPerson()) {
      await signIn();
      await use(app);
    }
    step = 'the app leaves';
    await app.close().catch(() => {});
    done.abort();
    step = 'the person leaves';
    await person;
  }
} finally {
  done.abort();
  step = 'serve ends';
  await stop();
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
}

/** Starting programs for the drivers: a home of their own, the right Node, and no way to be left behind. */

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(dirname(fileURLToPath(import.meta.url)));

/** The Node that comes with this folder: the real apps want 22 or later. */
export const node = join(here, 'node_modules/node/bin/node');

/** A program that this folder's packages bring. */
export const program = (name) => join(here, 'node_modules/.bin', name);

/**
 * The environment of an app on a computer where the system's browser approves whatever it is shown.
 * @param {string} [home] the app's home; when missing a new folder, which goes with this process
 * @returns {{HOME: string, PATH: string, BROWSER: string}}
 */
export function computer(home) {
  if (!home) {
    home = mkdtempSync(join(tmpdir(), 'bellhop-peer-'));
    process.once('exit', () => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));
  }
  const bin = join(home, '.peer-bin');
  mkdirSync(bin, { recursive: true });
  const browser = join(bin, 'xdg-open');
  // A script, since what an app starts may have neither the right Node nor an extension it knows.
  writeFileSync(browser, `#!/bin/sh\nexec '${node}' '${join(here, 'approve.mjs')}' "$1"\n`);
  chmodSync(browser, 0o755);
  for (const name of ['open', 'www-browser']) {
    try {
      symlinkSync(browser, join(bin, name));
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
  const path = [bin, dirname(node), join(here, 'node_modules/.bin'), '/usr/local/bin', '/usr/bin', '/bin'];
  return {
    HOME: home,
    PATH: path.join(delimiter),
    BROWSER: browser,
    TERM: 'xterm-256color',
    USER: 'anna',
    LOGNAME: 'anna',
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
    // A display of any name: without one, apps don't even try to open a browser.
    DISPLAY: process.env.DISPLAY ?? ':0',
  };
}

/**
 * Run a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{env: object, cwd?: string, seconds?: number}} options it is killed after so many seconds (60)
 * @returns {Promise<{code: number | null, output: string, errors: string}>}
 */
export function run(command, args, { env, cwd = env.HOME, seconds = 60 }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    let [output, errors] = ['', ''];
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (errors += data));
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output, errors });
    });
  });
}

/**
 * Start a peer of this folder and read its lines.
 * @param {string} file such as `oidc.mjs`
 * @param {string[]} [args]
 * @returns {{events: object[], until: (event: string, fits?: (seen: object) => boolean) => Promise<object>, stop: () => Promise<void>}}
 *   `until` gives the first line, also an earlier one, of that event
 */
export function peer(file, args = []) {
  const child = spawn(node, [join(here, file), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const events = [];
  const waiting = new Set();
  const closed = new Promise((resolve) => child.once('close', resolve));
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line));
    waiting.forEach((look) => look());
  });
  const until = (event, fits = () => true) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = events.find((seen) => seen.event === event && fits(seen));
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      closed.then(() => reject(new Error(`${file} ended before “${event}”`)));
      look();
    });
  const stop = async () => {
    child.stdin.end();
    await closed;
  };
  return { events, until, stop };
}

/**
 * A JSON-RPC client on a program's standard input and output, one message a line.
 * @param {string} command
 * @param {string[]} args
 * @param {{env: object, cwd?: string}} options
 */
export function rpc(command, args, { env, cwd = env.HOME }) {
  const child = spawn(command, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  const pending = new Map();
  const heard = [];
  let [next, errors] = [1, ''];
  child.stderr.on('data', (data) => (errors += data));
  const closed = new Promise((resolve) => child.once('close', resolve));
  closed.then(() => {
    for (const { reject } of pending.values()) reject(new Error(`the program ended: ${errors.slice(-2000)}`));
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line);
    const waiter = message.method === undefined && pending.get(message.id);
    if (!waiter) {
      heard.push(message);
      // What it asks back has no answer here; silence would make it wait for ever.
      if (message.id !== undefined && message.method) {
        send({ id: message.id, error: { code: -32601, message: 'not supported by this client' } });
      }
      return;
    }
    pending.delete(message.id);
    if (message.error) waiter.reject(new Error(JSON.stringify(message.error)));
    else waiter.resolve(message.result);
  });
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  return {
    /** What was said without being asked. */
    heard,
    notify: (method, params) => send({ method, params }),
    ask: (method, params) =>
      new Promise((resolve, reject) => {
        const id = next++;
        pending.set(id, { resolve, reject });
        send({ id, method, params });
      }),
    async stop() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await closed;
      clearTimeout(timer);
    },
  };
}

/**
 * What every peer does alike: it says one JSON line for each thing that happens, listens on loopback, and ends
 * when its standard input closes, so that no test can leave one behind.
 */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

// Libraries have things to say, too; standard output is for events alone.
console.log = console.error;
console.info = console.error;

/**
 * Tell the test something.
 * @param {string} event what happened
 * @param {object} [details] never a secret
 */
export function say(event, details = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);
}

/** End when whoever started this process has closed its standard input, or is gone. */
export function endWithInput() {
  process.stdin.resume();
  process.stdin.once('end', () => process.exit(0));
  process.stdin.once('error', () => process.exit(0));
}

/**
 * Take a port of loopback before the address is known to the program that will answer on it.
 * @param {number} port 0 for any
 * @param {{name?: string, tls?: string}} [front] the name that others know it by, at the port of https, and the file
 *   with the key and the certificate for it
 * @returns {Promise<{origin: string, port: number, answer: (handler: import('node:http').RequestListener) => void}>}
 */
export function listen(port, { name, tls } = {}) {
  const pem = tls && readFileSync(tls);
  const server = tls ? createSecureServer({ key: pem, cert: pem }) : createServer();
  // Event streams stay open for as long as a test wants.
  server.requestTimeout = 0;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const taken = server.address().port;
      const origin = tls ? `https://${name}` : `http://127.0.0.1:${taken}`;
      resolve({ origin, port: taken, answer: (handler) => server.on('request', handler) });
    });
  });
}

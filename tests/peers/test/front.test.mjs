/** The door in front of Bellhop changes what it must, and nothing else. */

import assert from 'node:assert/strict';
import { createServer, request as send } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { peer } from '../lib/run.mjs';

let behind;
let front;
let to;
let origin;
let answer;

before(async () => {
  behind = createServer((request, response) => answer(request, response));
  behind.listen(0, '127.0.0.1');
  await once(behind, 'listening');
  to = `http://127.0.0.1:${behind.address().port}`;
  front = peer('front.mjs', ['--to', to, '--bearer', 'abc']);
  ({ origin } = await front.until('ready'));
});

after(async () => {
  await front.stop();
  behind.close();
});

/** Send a request with these headers; what the other side saw of them. */
function headers(own) {
  return new Promise((resolve, reject) => {
    answer = (request, response) => {
      response.end();
      resolve(request.headers);
    };
    send(origin, { method: 'POST', headers: own }).on('error', reject).end('{}');
  });
}

test('a bearer is added to what lacks one', async () => {
  assert.equal((await headers({})).authorization, 'Bearer abc');
  assert.equal((await headers({ authorization: 'Bearer own' })).authorization, 'Bearer own');
});

test('its own address becomes the one behind it, any other stays', async () => {
  const own = await headers({ origin });
  assert.equal(own.origin, to);
  assert.equal(`http://${own.host}`, to);
  const other = await headers({ host: 'evil.example.com', origin: 'http://evil.example.com' });
  assert.equal(other.host, 'evil.example.com');
  assert.equal(other.origin, 'http://evil.example.com');
  assert.equal((await headers({ origin: `${origin}.example.com` })).origin, `${origin}.example.com`);
});

test('parts of both bodies pass before the whole is there', async () => {
  answer = async (request, response) => {
    const [first] = await once(request, 'data');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`heard ${first}`);
    await once(request, 'end');
    response.end();
  };
  const request = send(origin, { method: 'POST' });
  request.write('one');
  const [response] = await once(request, 'response');
  const [first] = await once(response, 'data');
  assert.equal(String(first), 'heard one');
  request.end('two');
  response.resume();
  await once(response, 'end');
});

test('who hangs up on one side is hung up on at the other', async () => {
  let gone;
  answer = (_request, response) => {
    gone = once(response, 'close');
    response.writeHead(200).write('begun');
  };
  const request = send(origin).end();
  const [response] = await once(request, 'response');
  await once(response, 'data');
  request.destroy();
  await gone;

  let hangUp;
  answer = (_request, response) => {
    response.writeHead(200).write('begun');
    hangUp = () => response.destroy();
  };
  const [cut] = await once(send(origin).end(), 'response');
  await once(cut, 'data');
  hangUp();
  await assert.rejects(once(cut, 'end'));
});

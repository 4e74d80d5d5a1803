/**
 * What stands in for a language model, so that a real app makes a real tool call: it asks for one tool by name,
 * and once it has the result, it ends. Speaks as much of the Messages API as Claude Code needs.
 */

import { listen } from './peer.mjs';

const usage = { input_tokens: 1, output_tokens: 1 };

/** The answer to a conversation: the tool first, then a word. */
function answer(request, tool, input) {
  const offered = (request.tools ?? []).some(({ name }) => name === tool);
  const called = request.messages.some(
    ({ content }) => Array.isArray(content) && content.some(({ type }) => type === 'tool_result'),
  );
  return offered && !called
    ? { block: { type: 'tool_use', id: 'toolu_1', name: tool, input }, reason: 'tool_use' }
    : { block: { type: 'text', text: 'Done.' }, reason: 'end_turn' };
}

/** The same as a stream of events. */
function* events(message, block, reason) {
  yield {
    type: 'message_start',
    message: { ...message, content: [], stop_reason: null, stop_sequence: null },
  };
  const empty = block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} };
  yield { type: 'content_block_start', index: 0, content_block: empty };
  const delta =
    block.type === 'text'
      ? { type: 'text_delta', text: block.text }
      : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };
  yield { type: 'content_block_delta', index: 0, delta };
  yield { type: 'content_block_stop', index: 0 };
  yield { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage };
  yield { type: 'message_stop' };
}

/**
 * Start it.
 * @param {string} tool the tool's name, as the app shows it to a model
 * @param {object} input the tool's arguments
 * @returns {Promise<{url: string, results: object[]}>} `results` fills with what the tools gave back
 */
export async function model(tool, input) {
  const { origin, answer: serve } = await listen(0);
  const results = [];
  serve(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const path = new URL(request.url, origin).pathname;
    if (request.method !== 'POST' || !path.startsWith('/v1/messages')) {
      response.writeHead(request.method === 'HEAD' ? 200 : 404).end();
      return;
    }
    if (path.endsWith('/count_tokens')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"input_tokens":1}');
      return;
    }
    const asked = JSON.parse(body);
    for (const { content } of asked.messages) {
      if (Array.isArray(content)) results.push(...content.filter(({ type }) => type === 'tool_result'));
    }
    const { block, reason } = answer(asked, tool, input);
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: asked.model, usage };
    if (!asked.stream) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ ...message, content: [block], stop_reason: reason, stop_sequence: null }),
      );
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events(message, block, reason)) {
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    response.end();
  });
  return { url: origin, results };
}

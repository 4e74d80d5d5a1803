/**
 * The official SDKs' clients behind one face: version 1, and version 2 in either era. Whatever a server asks is
 * answered at once.
 */

import * as one from '@modelcontextprotocol/sdk/client/index.js';
import * as oneHttp from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as oneStdio from '@modelcontextprotocol/sdk/client/stdio.js';
import * as types from '@modelcontextprotocol/sdk/types.js';
import * as two from '@modelcontextprotocol/client';
import * as twoStdio from '@modelcontextprotocol/client/stdio';

const WHO = { name: 'bellhop-peer', version: '1.0.0' };
const CAPABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } };

/** A word for every field of a form. */
const WORDS = { string: 'Anna', integer: 7, number: 7.5, boolean: true };

function filled([name, field]) {
  const choices = (kind) => kind.enum ?? (kind.oneOf ?? kind.anyOf)?.map((one) => one.const);
  if (field.type === 'array') return [name, choices(field.items).slice(0, 2)];
  return [name, choices(field)?.[0] ?? WORDS[field.type]];
}

/** What this app answers, by the method it is asked with. */
const ANSWERS = {
  'elicitation/create': ({ params: { requestedSchema } }) => ({
    action: 'accept',
    content: Object.fromEntries(Object.entries(requestedSchema?.properties ?? {}).map(filled)),
  }),
  'sampling/createMessage': ({ params: { messages } }) => ({
    role: 'assistant',
    content: { type: 'text', text: `About “${[messages[0].content].flat()[0].text}”` },
    model: 'peer',
    stopReason: 'endTurn',
  }),
  'roots/list': () => ({ roots: [{ uri: 'file:///srv/tea', name: 'tea' }] }),
};

const SCHEMAS = {
  'elicitation/create': types.ElicitRequestSchema,
  'sampling/createMessage': types.CreateMessageRequestSchema,
  'roots/list': types.ListRootsRequestSchema,
};

const HEARD = {
  'notifications/message': types.LoggingMessageNotificationSchema,
  'notifications/tools/list_changed': types.ToolListChangedNotificationSchema,
  'notifications/prompts/list_changed': types.PromptListChangedNotificationSchema,
  'notifications/resources/updated': types.ResourceUpdatedNotificationSchema,
};

/**
 * Connect to a server.
 * @param {string | {command: string, args: string[], env: object}} to its address, or the program that it is
 * @param {object} options
 * @param {'1' | '2'} options.sdk the version of the SDK
 * @param {'legacy' | 'modern' | 'auto'} [options.era] for version 2
 * @param {string} [options.bearer]
 * @param {object} [options.answers] what it answers instead, by method
 * @param {(method: string, params: object) => void} [options.asked] told of each question
 * @param {(method: string, params: object) => void} [options.heard] told of each notification
 */
export async function connect(
  to,
  { sdk, era = 'legacy', bearer, answers = {}, asked = () => {}, heard = () => {} },
) {
  const [http, stdio] = sdk === '1' ? [oneHttp, oneStdio] : [two, twoStdio];
  const headers = bearer ? { authorization: `Bearer ${bearer}` } : {};
  const transport =
    typeof to === 'string'
      ? new http.StreamableHTTPClientTransport(new URL(to), { requestInit: { headers } })
      : new stdio.StdioClientTransport({ ...to, stderr: 'inherit' });

  const mode = era === 'modern' ? { pin: '2026-07-28' } : era;
  const client =
    sdk === '1'
      ? new one.Client(WHO, { capabilities: CAPABILITIES })
      : new two.Client(WHO, { capabilities: CAPABILITIES, versionNegotiation: { mode } });
  for (const [method, answer] of Object.entries({ ...ANSWERS, ...answers })) {
    client.setRequestHandler(sdk === '1' ? SCHEMAS[method] : method, async (request) => {
      asked(method, request.params);
      return answer(request);
    });
  }
  for (const [method, schema] of Object.entries(HEARD)) {
    client.setNotificationHandler(sdk === '1' ? schema : method, ({ params }) => heard(method, params));
  }
  await client.connect(transport);
  const modern = sdk === '2' && client.getProtocolEra() === 'modern';
  // A log level belongs to each request in the new era.
  const _meta = modern ? { 'io.modelcontextprotocol/logLevel': 'info' } : undefined;
  return {
    client,
    era: modern ? 'modern' : 'legacy',
    /** Call a tool; its result. */
    call: (name, args = {}, options = {}) => {
      const params = { name, arguments: args, _meta };
      return sdk === '1' ? client.callTool(params, undefined, options) : client.callTool(params, options);
    },
    /** Be told when lists and this resource change. */
    async watch(uri) {
      if (modern) {
        const filter = { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: [uri] };
        const subscription = await client.listen(filter);
        return () => subscription.close();
      }
      await client.subscribeResource({ uri });
      return () => client.unsubscribeResource({ uri });
    },
    async close() {
      if (!modern) await transport.terminateSession?.();
      await client.close();
    },
  };
}

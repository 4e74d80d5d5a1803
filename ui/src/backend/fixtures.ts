// Views that a real engine could send, for the preview. Times are told from `now`, so that a screen looks
// the same whenever it is drawn.
import type { ActivityEntry } from '../control/ActivityEntry';
import type { AppView } from '../control/AppView';
import type { CatalogueView } from '../control/CatalogueView';
import type { Check } from '../control/Check';
import type { ConfigChange } from '../control/ConfigChange';
import type { ConnectionView } from '../control/ConnectionView';
import type { GenericClient } from '../control/GenericClient';
import type { Problem } from '../control/Problem';
import type { RequestView } from '../control/RequestView';
import type { ReceiptView } from '../control/ReceiptView';
import type { ServiceView } from '../control/ServiceView';
import type { SettingsView } from '../control/SettingsView';
import type { SignInPhase } from '../control/SignInPhase';
import type { SignInView } from '../control/SignInView';
import type { StatusView } from '../control/StatusView';
import type { ToolView } from '../control/ToolView';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The whole view of an engine. */
export interface Whole {
  status: StatusView;
  services: ServiceView[];
  catalogue: CatalogueView[];
  sign_ins: SignInView[];
  connections: ConnectionView[];
  requests: RequestView[];
  apps: AppView[];
  activity: ActivityEntry[];
  settings: SettingsView;
}

export const PROBLEMS = {
  expired: {
    code: 'signin.expired',
    sentence: 'The sign-in to Playground has ended.',
    next: 'Sign in again; nothing else is lost.',
    values: { service: 'Playground' },
  },
  denied: {
    code: 'signin.denied',
    sentence: 'The sign-in was denied.',
    next: 'Try again, and allow it in the browser.',
  },
  unreadable: {
    code: 'apps.syntax',
    sentence: '~/.codex/config.toml can’t be read: line 12, column 3.',
    next: 'Mend that line, or remove it; Bellhop has left the file as it is.',
    values: { file: '~/.codex/config.toml', line: '12', column: '3' },
  },
  foreign: {
    code: 'apps.taken',
    sentence: 'Claude Code has an entry named “bellhop” that Bellhop did not write.',
    next: 'Rename or delete that entry in ~/.claude.json. Then connect again.',
    values: { app: 'Claude Code' },
  },
  outdated: {
    code: 'apps.outdated',
    sentence: 'VS Code still looks for Bellhop where it was before.',
    next: 'Connect it again; Bellhop then corrects the entry.',
    values: { app: 'VS Code', file: '~/.config/Code/User/mcp.json' },
  },
  unreachable: {
    code: 'relay.unreachable',
    sentence: 'Laden could not be reached.',
    next: 'Check the internet connection, then try again.',
    values: { service: 'Laden' },
  },
  port: {
    code: 'engine.port_in_use',
    sentence: 'Port 27440 is in use by another program.',
    next: 'Quit that program, or choose another port.',
    values: { port: '27440', owner: 'another program' },
  },
  noKeychain: {
    code: 'vault.no_keychain',
    sentence: 'No keychain answers on this computer.',
    next: 'Choose a passphrase instead.',
  },
  noRegistration: {
    code: 'signin.no_registration',
    sentence: 'github.example doesn’t let Bellhop introduce itself.',
    next: 'Register an app there and give its id.',
    values: { host: 'github.example' },
  },
  refused: {
    code: 'signin.new_token_refused',
    sentence: 'mcp.mittwald.example does not take it.',
    next: 'Make a new one, and paste it whole.',
    values: { host: 'mcp.mittwald.example' },
  },
  locked: {
    code: 'vault.locked',
    sentence: 'The keychain is locked.',
    next: 'Unlock it, then Bellhop goes on.',
  },
} satisfies Record<string, Problem>;

const tool = (name: string, title: string, reads: boolean): ToolView => ({ name, title, reads });

export const TOOLS: ToolView[] = [
  tool('list_notes', 'List the notes', true),
  tool('read_note', 'Read one note', true),
  tool('write_note', 'Write a note', false),
  tool('slow_count', 'Count slowly', true),
];

/** What is asked for at mittwald at first. */
export const MITTWALD = ['user:read', 'customer:read', 'project:read', 'app:read'];

/** A sign-in under way; to mittwald where nothing else is said. */
export const signIn = (phase: SignInPhase, over: Partial<SignInView> = {}): SignInView => ({
  attempt: 'attempt-1',
  catalogue: 'mittwald',
  service: null,
  title: 'mittwald',
  phase,
  ...over,
});

const permission = (name: string, over: { preset?: boolean; granted?: boolean } = {}) => ({
  name,
  words: name,
  reads: /:(read|list)$/.test(name),
  preset: false,
  granted: false,
  ...over,
});

/** What a provider with three ways in asks. */
export const asking = (granted: string[] = []): Extract<SignInPhase, { phase: 'asking' }> => ({
  phase: 'asking',
  methods: [
    { method: 'oauth', host: 'auth.mcp.mittwald.example', needs: null },
    { method: 'device', host: 'auth.mcp.mittwald.example', needs: null },
    { method: 'token', host: 'mcp.mittwald.example', needs: null },
  ],
  permissions: [
    ...MITTWALD.map((name) => permission(name, { preset: true, granted: granted.includes(name) })),
    ...['project:write', 'app:write', 'mail_address:delete', 'domain:read', 'admin'].map((name) => permission(name)),
  ],
  why: null,
});

export function receipt(now: number, over: Partial<ReceiptView> = {}): ReceiptView {
  return {
    id: over.service ?? 'mittwald',
    cause: 'removed',
    service: 'mittwald',
    name: 'mittwald',
    title: 'mittwald',
    account: 'anna@example.com',
    method: 'oauth',
    removed_on: now - 4000,
    steps: [
      { what: 'local', outcome: { outcome: 'done' }, said: null, at: now - 4000 },
      { what: 'refresh_token', outcome: { outcome: 'not_offered' }, said: '404', at: now - 3000 },
      { what: 'access_token', outcome: { outcome: 'not_offered' }, said: '404', at: now - 3000 },
      { what: 'registration', outcome: { outcome: 'done' }, said: '204', at: now - 2000 },
    ],
    dead: { dead: 'seen_dead', at: now - 1000 },
    ...over,
  };
}

/** Receipts of every kind, newest first. */
export const receipts = (now: number): ReceiptView[] => [
  receipt(now, {
    service: 'shop',
    name: 'shop',
    title: 'Shop',
    account: null,
    steps: [
      { what: 'local', outcome: { outcome: 'done' }, said: null, at: now - HOUR },
      {
        what: 'refresh_token',
        outcome: { outcome: 'waiting', next_try: now + 5 * MINUTE },
        said: null,
        at: now - MINUTE,
      },
      { what: 'page', outcome: { outcome: 'by_hand', page: null }, said: null, at: now - HOUR },
    ],
    removed_on: now - HOUR,
    dead: { dead: 'unknown' },
  }),
  receipt(now, {
    service: 'stripe',
    name: 'stripe',
    title: 'Stripe',
    method: 'token',
    steps: [
      { what: 'local', outcome: { outcome: 'done' }, said: null, at: now - DAY },
      { what: 'access_token', outcome: { outcome: 'refused' }, said: '400 unsupported_token_type', at: now - DAY },
      {
        what: 'page',
        outcome: { outcome: 'by_hand', page: 'https://dashboard.example/apikeys' },
        said: null,
        at: now - DAY,
      },
    ],
    removed_on: now - DAY,
    dead: { dead: 'still_alive' },
  }),
  receipt(now, { id: 'earlier', cause: 'replaced', removed_on: now - 2 * DAY }),
  receipt(now, { service: 'old', name: 'old', title: 'Old', removed_on: now - 3 * DAY }),
];

export function service(id: string, over: Partial<ServiceView> = {}): ServiceView {
  return {
    id,
    name: id,
    title: id,
    url: `https://${id}.example/mcp`,
    catalogue: null,
    account: null,
    method: 'oauth',
    permissions: { asked: [], granted: [], wanted: [] },
    exceptions: [],
    stays: { stays: 'unknown' },
    state: { state: 'connected', until: null },
    tools: TOOLS,
    awaited_by: [],
    trouble: null,
    ...over,
  };
}

export const playground = (): ServiceView =>
  service('playground', {
    title: 'Playground',
    url: 'http://127.0.0.1:40123/mcp',
    catalogue: 'playground',
    account: 'you@playground.example',
  });

export function connection(now: number, app: string, over: Partial<ConnectionView> = {}): ConnectionView {
  const id = app.toLowerCase().replaceAll(' ', '-');
  return {
    id,
    name: `${app} on laptop`,
    named: false,
    app,
    app_id: id,
    computer: 'laptop',
    method: 'oauth',
    scope: 'playground:read',
    scope_words: 'reads Playground',
    program: { pid: 4711, identity: `/usr/bin/${id}`, name: id },
    key: null,
    shown: { listing: 'auto', tools: 42, compact: false },
    connected_on: now - 9 * DAY,
    last_active: now - DAY,
    calls_now: 0,
    calls: 12,
    state: { state: 'allowed' },
    ...over,
  };
}

export function request(now: number, over: Partial<RequestView> = {}): RequestView {
  return {
    id: 'request-1',
    snapshot: 'a1b2c3',
    about: { about: 'connect' },
    code: 'TIN OAK 7',
    app: 'Cursor',
    app_id: 'cursor',
    computer: 'laptop',
    method: 'oauth',
    redirect: '127.0.0.1',
    program: { pid: 4711, identity: '/opt/Cursor.AppImage', name: 'Cursor.AppImage' },
    asked: 'playground:read mittwald:read',
    services: [
      { name: 'playground', title: 'Playground', read: true, write: false, tools: TOOLS },
      {
        name: 'mittwald',
        title: 'mittwald',
        read: true,
        write: false,
        tools: [tool('project_list', 'List projects', true), tool('app_install', 'Install an app', false)],
      },
    ],
    asked_on: now - 20_000,
    until: now + 9 * MINUTE + 40_000,
    ...over,
  };
}

/** A connection that wants to do more. */
export function wish(now: number, over: Partial<RequestView> = {}): RequestView {
  return request(now, {
    about: { about: 'more', connection: 'cursor', tool: 'write_note' },
    code: '',
    redirect: '',
    asked: 'playground:write',
    services: [{ name: 'playground', title: 'Playground', read: false, write: false, tools: TOOLS }],
    ...over,
  });
}

export const DIFF: ConfigChange = {
  file: '~/.cursor/mcp.json',
  created: false,
  diff: [
    '--- ~/.cursor/mcp.json',
    '+++ ~/.cursor/mcp.json',
    '@@ -1,7 +1,8 @@',
    ' {',
    '   "mcpServers": {',
    '     "files": {',
    '       "command": "files-server"',
    '-    }',
    '+    },',
    '+    "bellhop": { "url": "http://127.0.0.1:27440/mcp" }',
    '   }',
    ' }',
    '',
  ].join('\n'),
};

const ORIGIN = 'http://127.0.0.1:27440';

export const GENERIC: GenericClient = {
  endpoint: `${ORIGIN}/mcp`,
  authorization_url: `${ORIGIN}/authorize`,
  token_url: `${ORIGIN}/token`,
  client_id: 'generic',
  scopes: ['playground:read', 'playground:write'],
  json: `{\n  "mcpServers": {\n    "bellhop": {\n      "type": "http",\n      "url": "${ORIGIN}/mcp"\n    }\n  }\n}\n`,
  toml: `[mcp_servers.bellhop]\nurl = "${ORIGIN}/mcp"\n`,
  command: 'bellhop mcp --app my-app',
  script: 'bellhop token --device --name my-script --scope playground:read',
};

export const CHECKS: Check[] = [
  { what: 'Port 27440', seen: 'held by Bellhop', problem: null },
  { what: 'Keys', seen: 'open, in the keychain', problem: null },
  { what: 'Codex', seen: 'its settings can’t be read', problem: PROBLEMS.unreadable },
];

const apps = (): AppView[] => {
  const app = (id: string, name: string, file: string, over: Partial<AppView> = {}): AppView => ({
    id,
    name,
    found: true,
    file,
    state: { state: 'disconnected' },
    default: 'http',
    methods: ['http', 'bridge'],
    ...over,
  });
  return [
    app('cursor', 'Cursor', '~/.cursor/mcp.json'),
    app('vscode', 'VS Code', '~/.config/Code/User/mcp.json', { state: { state: 'other', problem: PROBLEMS.outdated } }),
    app('claude-desktop', 'Claude Desktop', '~/.config/Claude/claude_desktop_config.json', {
      state: { state: 'connected', method: 'bridge' },
      default: 'bridge',
      methods: ['bridge'],
    }),
    app('claude-code', 'Claude Code', '~/.claude.json', { state: { state: 'other', problem: PROBLEMS.foreign } }),
    app('codex', 'Codex', '~/.codex/config.toml', { state: { state: 'unreadable', problem: PROBLEMS.unreadable } }),
    app('zed', 'Zed', '~/.config/zed/settings.json', { found: false }),
  ];
};

/** Entries as a working day leaves them, newest first. */
function activity(now: number): ActivityEntry[] {
  const rows: [number, Partial<ActivityEntry> & Pick<ActivityEntry, 'kind'>][] = [
    [
      2 * MINUTE,
      { kind: 'call', connection: 'Cursor on laptop', service: 'playground', tool: 'list_notes', millis: 84 },
    ],
    [
      3 * MINUTE,
      { kind: 'call', connection: 'Cursor on laptop', service: 'playground', tool: 'slow_count', millis: 5210 },
    ],
    [
      4 * MINUTE,
      {
        kind: 'refused',
        connection: 'Cursor on laptop',
        service: 'playground',
        tool: 'write_note',
        outcome: 'relay.not_allowed',
      },
    ],
    [9 * MINUTE, { kind: 'connection_allowed', connection: 'Cursor on laptop' }],
    [11 * MINUTE, { kind: 'app_connected', connection: 'Cursor' }],
    [14 * MINUTE, { kind: 'service_connected', service: 'playground' }],
    [15 * MINUTE, { kind: 'sign_in_failed', service: 'playground', outcome: 'signin.denied' }],
    [DAY, { kind: 'paused' }],
    [DAY + 20 * MINUTE, { kind: 'connection_revoked', connection: 'Claude Desktop on laptop' }],
    [DAY + 2 * HOUR, { kind: 'started' }],
  ];
  return rows.map(([ago, row], index) => ({
    number: rows.length - index,
    at: now - ago,
    connection: null,
    service: null,
    tool: null,
    millis: null,
    outcome: 'ok',
    ...row,
  }));
}

/** A tile's rest. */
const tile = (full_name: string, mark: string, colour: string | null = null) => ({
  full_name,
  mark,
  site: null,
  colour,
  keywords: [],
  website: null,
  note: null,
  token_page: null,
  own: false,
});

/** A Bellhop in daily use. */
export function home(now: number): Whole {
  return {
    status: {
      version: '0.1.0',
      pid: 4242,
      desktop: true,
      home: '~/.local/share/bellhop',
      endpoint: 'http://127.0.0.1:27440/mcp',
      keys: { state: 'open', kept: 'keychain' },
      pause: { state: 'running' },
      problems: [],
      computer: 'laptop',
    },
    services: [
      playground(),
      service('mittwald', {
        title: 'mittwald',
        catalogue: 'mittwald',
        account: 'anna@example.com',
        permissions: { asked: MITTWALD, granted: MITTWALD, wanted: [] },
        stays: { stays: 'until', at: now + 100 * DAY },
        state: { state: 'connected', until: now + HOUR },
      }),
    ],
    catalogue: [
      {
        id: 'mittwald',
        title: 'mittwald',
        about: 'Projects, apps and databases of your hosting',
        url: 'https://mcp.mittwald.example/mcp',
        services: ['mittwald'],
        ...tile('de.mittwald/mcp', 'm', '#0b5cad'),
        note: 'An API token from mStudio (User Settings, API Tokens) works too. It is not renewed by itself.',
      },
      {
        id: 'playground',
        title: 'Playground',
        about: 'Try it without an account: a small service on this computer, with notes to read and write.',
        url: null,
        services: ['playground'],
        ...tile('app.bellhop.desktop/playground', 'P', '#6b5b95'),
      },
      {
        id: 'wordpress',
        title: 'WordPress',
        about: 'A WordPress site of yours: its posts, pages, media and settings.',
        url: null,
        services: [],
        ...tile('org.wordpress/mcp-adapter', 'W', '#3d5a73'),
        site: 'https://example.org',
        keywords: ['blog'],
      },
      {
        id: 'tickets',
        title: 'Tickets',
        about: 'The tickets of our team',
        url: 'https://tickets.example/mcp',
        services: [],
        ...tile('example/tickets', 'Ti', '#f2e394'),
        own: true,
      },
    ],
    sign_ins: [],
    connections: [
      connection(now, 'Cursor', {
        scope: 'mittwald:read playground:read',
        connected_on: now - 9 * MINUTE,
        last_active: now - 2000,
        calls_now: 1,
      }),
      connection(now, 'Claude Desktop', {
        scope: 'mittwald:write playground:read',
        method: 'bridge',
        connected_on: now - 30 * DAY,
        last_active: now - DAY,
      }),
      connection(now, 'Codex', { state: { state: 'revoked', on: now - 3 * DAY, refused: true } }),
    ],
    requests: [],
    apps: apps(),
    activity: activity(now),
    settings: { autostart: true, autostart_fixed: null, port: 27440 },
  };
}

/** A Bellhop that was never used. */
export function empty(now: number): Whole {
  const whole = home(now);
  return {
    ...whole,
    services: [],
    catalogue: whole.catalogue.map((tile) => ({ ...tile, services: [] })),
    connections: [],
    apps: whole.apps.map((app) => ({ ...app, state: { state: 'disconnected' } })),
    activity: [],
    settings: {
      ...whole.settings,
      autostart: false,
      autostart_fixed: 'This Bellhop runs from its source tree. Install it to start it at login.',
    },
  };
}

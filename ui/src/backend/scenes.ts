// The scenes that the preview can play, each a whole view.
import type { Start } from '../backend';
import type { Problem } from '../control/Problem';
import type { ReceiptView } from '../control/ReceiptView';
import type { SignInPhase } from '../control/SignInPhase';
import {
  asking,
  connection,
  DAY,
  empty,
  home,
  HOUR,
  MINUTE,
  MITTWALD,
  playground,
  PROBLEMS,
  receipts,
  request,
  service,
  signIn,
  TOOLS,
  type Whole,
  wish,
} from './fixtures';

export interface Scene {
  start?: Partial<Start>;
  /** The engine ends at once. */
  gone?: true;
  /** There is no engine, and why. */
  failed?: Problem;
  /** Of services that were disconnected before. */
  receipts?: (now: number) => ReceiptView[];
  view: (now: number) => Whole;
}

const LONG = 'Anwendungsentwicklungsumgebungsverwaltungsassistent '.repeat(9).trim();
const consent: Partial<Start> = { screen: 'consent', request: 'request-1' };

const status = (now: number, over: Partial<Whole['status']>): Whole => {
  const whole = home(now);
  return { ...whole, status: { ...whole.status, ...over } };
};

/** A sign-in that is so far, and nothing else yet. */
const phase = (at: (now: number) => SignInPhase, over: Parameters<typeof signIn>[1] = {}): Scene => ({
  view: (now) => ({ ...empty(now), sign_ins: [signIn(at(now), over)] }),
});
const wordpress = { catalogue: 'wordpress', title: 'blog.example' };

export const scenes: Record<string, Scene> = {
  home: { view: home },
  empty: { view: empty },
  'signed-in': { view: (now) => ({ ...empty(now), services: [playground()] }) },
  many: {
    view: (now) => ({
      ...home(now),
      services: Array.from({ length: 200 }, (_, i) => service(`service_${i}`, { title: `Service ${i}` })),
      connections: Array.from({ length: 1000 }, (_, i) =>
        connection(now, `App ${i}`, { connected_on: now - i * HOUR, last_active: now - i * MINUTE }),
      ),
    }),
  },
  'long-names': {
    view: (now) => {
      const whole = home(now);
      return {
        ...whole,
        services: [playground(), service('lang', { title: LONG, account: `${LONG}@example` })],
        connections: [
          connection(now, LONG, { scope: 'lang:write' }),
          connection(now, 'عارض المشاريع', { id: 'rtl', computer: 'حاسوب' }),
          connection(now, '👩‍🚀 <b>bold</b> & <script>', { id: 'markup' }),
        ],
        requests: [request(now, { app: LONG })],
      };
    },
  },
  'needs-you': {
    view: (now) => {
      const whole = status(now, { problems: [PROBLEMS.port], endpoint: null });
      return {
        ...whole,
        services: [
          {
            ...playground(),
            state: { state: 'needs_sign_in', problem: PROBLEMS.expired },
            awaited_by: ['Cursor on laptop'],
          },
          service('mittwald', {
            title: 'mittwald',
            state: { state: 'degraded', problem: PROBLEMS.port, next_try: now + 2 * MINUTE },
          }),
          service('blog', { title: 'Blog', state: { state: 'signed_out' } }),
          service('laden', { title: 'Laden', trouble: PROBLEMS.unreachable }),
        ],
        connections: [
          connection(now, 'Zed', { shown: { listing: 'auto', tools: 312, compact: true } }),
          ...whole.connections,
        ],
        requests: [request(now), wish(now, { id: 'request-2' })],
      };
    },
  },
  /** Every way in, and what a person does with them. */
  door: {
    view: (now) => ({
      ...home(now),
      connections: [
        connection(now, 'Cursor', { name: 'My editor', named: true, calls_now: 1 }),
        connection(now, 'Claude Desktop', { method: 'bridge', state: { state: 'paused', since: now - HOUR } }),
        connection(now, 'report.sh', { method: 'device', app_id: null, last_active: now - 2 * HOUR }),
        connection(now, 'Backup script', {
          method: 'access_key',
          app_id: null,
          program: null,
          connected_on: now - 120 * DAY,
          key: { ends: now + 30 * DAY, old: true },
        }),
        connection(now, 'Codex', { state: { state: 'revoked', on: now - 3 * DAY, refused: true } }),
      ],
    }),
  },
  paused: { view: (now) => status(now, { pause: { state: 'paused', until: now + 15 * MINUTE } }) },
  'sign-in': {
    view: (now) => ({
      ...empty(now),
      sign_ins: [
        {
          attempt: 'attempt-1',
          catalogue: 'playground',
          service: null,
          title: 'Playground',
          phase: { phase: 'browser', address: 'http://127.0.0.1:40123/authorize', until: now + 4 * MINUTE + 30_000 },
        },
      ],
    }),
  },
  'sign-in-failed': {
    view: (now) => ({
      ...empty(now),
      sign_ins: [
        {
          attempt: 'attempt-1',
          catalogue: 'playground',
          service: null,
          title: 'Playground',
          phase: { phase: 'failed', problem: PROBLEMS.denied },
        },
      ],
    }),
  },
  'sign-in-again': {
    view: (now) => ({
      ...home(now),
      services: [{ ...playground(), state: { state: 'needs_sign_in', problem: PROBLEMS.expired } }],
      sign_ins: [
        {
          attempt: 'attempt-1',
          catalogue: 'playground',
          service: 'playground',
          title: 'Playground',
          phase: { phase: 'looking' },
        },
      ],
    }),
  },
  'sign-in-asking': phase(() => asking()),
  'sign-in-one-way': phase(() => ({
    ...asking(),
    methods: [{ method: 'oauth', host: null, needs: null }],
    permissions: [],
  })),
  'sign-in-unregistered': phase(
    () => ({
      ...asking(),
      methods: [
        { method: 'oauth', host: 'github.example', needs: PROBLEMS.noRegistration },
        { method: 'token', host: 'github.example', needs: null },
      ],
      permissions: [],
    }),
    { catalogue: null, title: 'GitHub' },
  ),
  'sign-in-device': phase((now) => ({
    phase: 'device',
    user_code: 'WDJB-MJHT',
    address: 'https://auth.mcp.mittwald.example/device',
    complete: 'https://auth.mcp.mittwald.example/device?user_code=WDJB-MJHT',
    until: now + 14 * MINUTE + 30_000,
  })),
  'sign-in-key': phase((now) => ({
    phase: 'token',
    page: 'https://studio.mittwald.example/app/profile/api-tokens',
    why: null,
    until: now + 9 * MINUTE + 30_000,
  })),
  'sign-in-key-refused': phase((now) => ({
    phase: 'token',
    page: null,
    why: PROBLEMS.refused,
    until: now + 9 * MINUTE + 30_000,
  })),
  'sign-in-password': phase(
    (now) => ({
      phase: 'password',
      address: 'https://blog.example/wp-admin/authorize-application.php?app_name=Bellhop&success_url=…',
      page: 'https://blog.example/wp-admin/authorize-application.php?app_name=Bellhop',
      user: null,
      why: null,
      until: now + 9 * MINUTE + 30_000,
    }),
    wordpress,
  ),
  'sign-in-password-refused': phase(
    (now) => ({
      phase: 'password',
      address: null,
      page: 'https://blog.example/wp-admin/authorize-application.php?app_name=Bellhop',
      user: 'anna',
      why: PROBLEMS.refused,
      until: now + 9 * MINUTE + 30_000,
    }),
    wordpress,
  ),
  'sign-in-finishing': phase(() => ({ phase: 'finishing' })),
  'wants-more': {
    view: (now) => ({
      ...home(now),
      services: [
        service('mittwald', {
          title: 'mittwald',
          catalogue: 'mittwald',
          permissions: { asked: MITTWALD, granted: MITTWALD, wanted: ['app:write'] },
          awaited_by: ['Cursor on anna-laptop'],
        }),
      ],
    }),
  },
  'allow-more': {
    view: (now) => ({ ...home(now), sign_ins: [signIn(asking(MITTWALD), { service: 'mittwald' })] }),
  },
  stays: {
    view: (now) => ({
      ...home(now),
      services: [
        service('mittwald', {
          title: 'mittwald',
          catalogue: 'mittwald',
          permissions: { asked: [...MITTWALD, 'app:write'], granted: ['user:read', 'project:read'], wanted: [] },
          exceptions: ['pkce_undeclared', 'no_resource'],
          stays: { stays: 'until', at: now + 100 * DAY },
        }),
        service('stripe', {
          title: 'Stripe',
          method: 'token',
          account: 'acct_1',
          stays: { stays: 'needs_you_on', at: now + 20 * DAY },
        }),
        service('blog', { title: 'Blog', method: 'password', account: 'anna', stays: { stays: 'open_ended' } }),
        service('weather', { title: 'Weather', method: 'none', stays: { stays: 'open_ended' } }),
      ],
    }),
  },
  receipts: { view: home, receipts },
  'keys-unchosen': {
    view: (now) =>
      status(now, {
        keys: {
          state: 'unchosen',
          notice: 'Your system may ask for your login password, to let Bellhop keep one key in its keychain.',
          keychain: null,
        },
      }),
  },
  'keys-no-keychain': {
    view: (now) => status(now, { keys: { state: 'unchosen', notice: '', keychain: PROBLEMS.noKeychain } }),
  },
  'keys-locked': {
    view: (now) => status(now, { keys: { state: 'locked', kept: 'keychain', problem: PROBLEMS.locked } }),
  },
  'keys-passphrase': {
    view: (now) => status(now, { keys: { state: 'locked', kept: 'passphrase', problem: PROBLEMS.locked } }),
  },
  consent: { start: consent, view: (now) => ({ ...home(now), requests: [request(now)] }) },
  'consent-unseen': {
    start: consent,
    view: (now) => ({
      ...home(now),
      requests: [request(now, { program: null, code: '', redirect: '', method: 'bridge' })],
    }),
  },
  'consent-nothing': { start: consent, view: (now) => ({ ...empty(now), requests: [request(now, { services: [] })] }) },
  'consent-more': { start: consent, view: (now) => ({ ...home(now), requests: [wish(now)] }) },
  'consent-more-long': {
    start: consent,
    view: (now) => ({
      ...home(now),
      requests: [
        wish(now, {
          app: LONG,
          program: null,
          about: { about: 'more', connection: 'cursor', tool: 'x'.repeat(64) },
          services: [{ name: 'playground', title: LONG, read: false, write: false, tools: TOOLS }],
        }),
      ],
    }),
  },
  'consent-long': {
    start: consent,
    view: (now) => ({
      ...home(now),
      requests: [
        request(now, {
          app: LONG,
          services: Array.from({ length: 12 }, (_, i) => ({
            name: `service_${i}`,
            title: i === 0 ? LONG : `Service ${i}`,
            read: true,
            write: false,
            tools: TOOLS,
          })),
        }),
      ],
    }),
  },
  'consent-over': { start: consent, view: home },
  'consent-expired': {
    start: consent,
    view: (now) => ({ ...home(now), requests: [request(now, { until: now - DAY })] }),
  },
  gone: { gone: true, view: home },
  failed: { failed: PROBLEMS.port, view: home },
  'failed-unknown': {
    failed: { code: 'window.unexpected', sentence: LONG, next: '', values: { detail: LONG } },
    view: home,
  },
};

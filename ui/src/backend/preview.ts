import type { Backend, Listener, Start } from '../backend';
import type { Answer } from '../control/Answer';
import type { Command } from '../control/Command';
import type { ConnectionView } from '../control/ConnectionView';
import type { Problem } from '../control/Problem';
import type { Query } from '../control/Query';
import type { ReceiptView } from '../control/ReceiptView';
import type { Section } from '../control/Section';
import type { SignInMethod } from '../control/SignInMethod';
import type { SignInPhase } from '../control/SignInPhase';
import {
  asking,
  CHECKS,
  connection,
  DIFF,
  GENERIC,
  MINUTE,
  playground,
  PROBLEMS,
  receipt,
  service,
  type Whole,
} from './fixtures';
import { scenes, type Scene } from './scenes';

const NEXT = 'Restart the app; it asks you once more in a small window.';

/** Plays an engine from a scene: what a person does changes what they see. */
export class PreviewBackend implements Backend {
  readonly #scene: Scene;
  #whole: Whole;
  #listener: Listener | null = null;
  #receipts: ReceiptView[];

  constructor(name: string) {
    const scene = scenes[name];
    if (!scene) throw new Error(`there is no scene ${name}`);
    this.#scene = scene;
    this.#whole = scene.view(Date.now());
    this.#receipts = scene.receipts?.(Date.now()) ?? [];
  }

  start(): Promise<Start> {
    return Promise.resolve({ screen: 'home', request: null, platform: 'linux', language: null, ...this.#scene.start });
  }

  async watch(listener: Listener): Promise<void> {
    if (this.#scene.failed) throw this.#scene.failed;
    this.#listener = listener;
    for (const section of Object.keys(this.#whole) as (keyof Whole)[]) this.#tell(section);
    if (this.#scene.gone) listener.gone();
  }

  #tell(section: keyof Whole): void {
    this.#listener?.view({ section, body: this.#whole[section] } as Section);
  }

  #change<S extends keyof Whole>(section: S, to: (now: Whole[S]) => Whole[S]): void {
    this.#whole = { ...this.#whole, [section]: to(this.#whole[section]) };
    this.#tell(section);
  }

  async command(command: Command): Promise<Answer> {
    await new Promise((resolve) => setTimeout(resolve, 60));
    switch (command.do) {
      case 'add_service':
      case 'sign_in':
        return this.#signIn(command);
      case 'cancel_sign_in':
        this.#change('sign_ins', (all) => all.filter((one) => one.attempt !== command.attempt));
        break;
      case 'remove_service':
        return this.#remove(command.service);
      case 'continue_sign_in':
        this.#phase(command.attempt, this.#next(command.method));
        break;
      case 'give_token':
      case 'give_password':
        this.#phase(command.attempt, { phase: 'finishing' });
        this.#connected(command.attempt);
        break;
      case 'revoke':
        this.#change('connections', (all) =>
          all.map((one) =>
            one.id === command.connection
              ? { ...one, calls_now: 0, state: { state: 'revoked', on: Date.now(), refused: true } }
              : one,
          ),
        );
        break;
      case 'revoke_several':
      case 'revoke_all': {
        const those = command.do === 'revoke_several' ? command.connections : null;
        this.#change('connections', (all) =>
          all.map((one) =>
            one.state.state !== 'revoked' && (!those || those.includes(one.id))
              ? { ...one, calls_now: 0, state: { state: 'revoked', on: Date.now(), refused: true } }
              : one,
          ),
        );
        break;
      }
      case 'pause_connection':
        this.#connection(command.connection, { state: { state: 'paused', since: Date.now() } });
        break;
      case 'resume_connection':
        this.#connection(command.connection, { state: { state: 'allowed' } });
        break;
      case 'rename': {
        const own = this.#whole.connections.find((one) => one.id === command.connection);
        const name = command.name ?? `${own?.app ?? ''} on laptop`;
        this.#connection(command.connection, { name, named: command.name !== null });
        break;
      }
      case 'readmit':
        this.#connection(command.connection, { state: { state: 'revoked', on: Date.now(), refused: false } });
        break;
      case 'add_access_key': {
        const id = `key-${Date.now()}`;
        const { name, scope, ends = null } = command;
        const key = { ends, old: false };
        const made = connection(Date.now(), name, {
          id,
          app_id: null,
          program: null,
          method: 'access_key',
          scope,
          key,
        });
        this.#change('connections', (all) => [{ ...made, last_active: null, connected_on: Date.now() }, ...all]);
        return { answer: 'access_key', connection: id, key: 'bhk_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE' };
      }
      case 'show_tools': {
        const { connection, listing } = command;
        this.#change('connections', (all) =>
          all.map((one) =>
            one.id === connection ? { ...one, shown: { ...one.shown, listing, compact: listing === 'compact' } } : one,
          ),
        );
        break;
      }
      case 'approve':
      case 'deny':
        this.#change('requests', (all) => all.filter((one) => one.id !== command.request));
        break;
      case 'connect_app':
        this.#change('apps', (all) =>
          all.map((app) =>
            app.id === command.app
              ? { ...app, state: { state: 'connected', method: command.method ?? app.default } }
              : app,
          ),
        );
        return { answer: 'app_written', app: command.app, changes: [DIFF], next: NEXT };
      case 'disconnect_app':
        this.#change('apps', (all) =>
          all.map((app) => (app.id === command.app ? { ...app, state: { state: 'disconnected' } } : app)),
        );
        return { answer: 'app_written', app: command.app, changes: [DIFF], next: 'Start the app again.' };
      case 'pause':
        this.#change('status', (status) => ({
          ...status,
          pause: { state: 'paused', until: command.length === 'until_resume' ? null : Date.now() + 15 * MINUTE },
        }));
        break;
      case 'resume':
        this.#change('status', (status) => ({ ...status, pause: { state: 'running' } }));
        break;
      case 'set_autostart':
        this.#change('settings', (settings) => ({ ...settings, autostart: command.on }));
        break;
      case 'show':
        window.open('?scene=consent');
        return { answer: 'shown' };
      case 'unlock':
        this.#change('status', (status) => ({ ...status, keys: { state: 'open', kept: command.keys.keys } }));
        break;
    }
    return { answer: 'done' };
  }

  #connection(id: string, over: Partial<ConnectionView>): void {
    this.#change('connections', (all) => all.map((one) => (one.id === id ? { ...one, ...over } : one)));
  }

  #remove(id: string): Answer {
    const gone = this.#whole.services.find((one) => one.id === id);
    this.#change('services', (all) => all.filter((one) => one.id !== id));
    const { name = id, title = id, account = null, method = 'oauth' } = gone ?? {};
    const answer = receipt(Date.now(), { service: id, name, title, account, method });
    this.#receipts = [answer, ...this.#receipts];
    return { answer: 'receipt', ...answer };
  }

  #phase(attempt: string, phase: SignInPhase): void {
    this.#change('sign_ins', (all) => all.map((one) => (one.attempt === attempt ? { ...one, phase } : one)));
  }

  /** What follows when the person chose how. */
  #next(method: SignInMethod): SignInPhase {
    const until = Date.now() + 5 * MINUTE;
    switch (method) {
      case 'device':
        return {
          phase: 'device',
          user_code: 'WDJB-MJHT',
          address: 'https://auth.example/device',
          complete: null,
          until,
        };
      case 'token':
        return { phase: 'token', page: null, why: null, until };
      case 'password':
        return { phase: 'password', address: null, page: null, user: null, why: null, until };
      default:
        return { phase: 'browser', address: 'https://auth.example/authorize', until };
    }
  }

  #connected(attempt: string): void {
    setTimeout(() => {
      const done = this.#whole.sign_ins.find((one) => one.attempt === attempt);
      if (!done) return;
      this.#change('sign_ins', (all) => all.filter((one) => one.attempt !== attempt));
      const fresh =
        done.catalogue === 'playground'
          ? playground()
          : service(done.service ?? done.catalogue ?? 'new', { title: done.title, catalogue: done.catalogue });
      this.#change('services', (all) => [...all.filter((one) => one.id !== fresh.id), fresh]);
    }, 3000);
  }

  #signIn(command: Extract<Command, { do: 'add_service' | 'sign_in' }>): Answer {
    if (command.do === 'add_service' && command.catalogue === null) {
      const problem: Problem = {
        ...PROBLEMS.denied,
        code: 'signin.no_service',
        sentence: 'There is no service for AI apps at this address.',
        next: 'Check the address.',
      };
      throw problem;
    }
    const attempt = `attempt-${Date.now()}`;
    const address = 'http://127.0.0.1:40123/authorize';
    const before = this.#whole.services.find((one) => command.do === 'sign_in' && one.id === command.service);
    const tile = this.#whole.catalogue.find((one) => command.do === 'add_service' && one.id === command.catalogue);
    this.#change('sign_ins', (all) => [
      ...all,
      {
        attempt,
        catalogue: command.do === 'add_service' ? command.catalogue : null,
        service: command.do === 'sign_in' ? command.service : null,
        title: before?.title ?? tile?.title ?? 'Playground',
        phase: command.ask
          ? asking(before?.permissions.granted)
          : { phase: 'browser', address, until: Date.now() + 5 * MINUTE },
      },
    ]);
    if (command.ask) return { answer: 'sign_in', attempt, address: null };
    this.#connected(attempt);
    return { answer: 'sign_in', attempt, address };
  }

  query(query: Query): Promise<Answer> {
    switch (query.ask) {
      case 'app_preview':
        return Promise.resolve({
          answer: 'app_preview',
          app: query.app,
          method: query.method ?? 'http',
          changes: [DIFF],
          next: NEXT,
        });
      case 'activity':
        return Promise.resolve({ answer: 'activity', entries: [] });
      case 'receipts':
        return Promise.resolve({ answer: 'receipts', receipts: this.#receipts });
      case 'generic_client':
        return Promise.resolve({ answer: 'generic_client', ...GENERIC });
      case 'doctor':
        return Promise.resolve({ answer: 'doctor', checks: CHECKS });
      default:
        return Promise.resolve({ answer: 'done' });
    }
  }

  close(): Promise<void> {
    window.close();
    return Promise.resolve();
  }
}

import type { Backend, Listener, Start } from '../backend';
import type { Answer } from '../control/Answer';
import type { Command } from '../control/Command';
import type { Problem } from '../control/Problem';
import type { Query } from '../control/Query';
import type { Section } from '../control/Section';
import { CHECKS, DIFF, MINUTE, playground, PROBLEMS, type Whole } from './fixtures';
import { scenes, type Scene } from './scenes';

const NEXT = 'Restart the app; it asks you once more in a small window.';

/** Plays an engine from a scene: what a person does changes what they see. */
export class PreviewBackend implements Backend {
  readonly #scene: Scene;
  #whole: Whole;
  #listener: Listener | null = null;

  constructor(name: string) {
    const scene = scenes[name];
    if (!scene) throw new Error(`there is no scene ${name}`);
    this.#scene = scene;
    this.#whole = scene.view(Date.now());
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
        this.#change('services', (all) => all.filter((one) => one.id !== command.service));
        break;
      case 'revoke':
        this.#change('connections', (all) =>
          all.map((one) =>
            one.id === command.connection ? { ...one, calls_now: 0, state: { state: 'revoked', on: Date.now() } } : one,
          ),
        );
        break;
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

  #signIn(command: Extract<Command, { do: 'add_service' | 'sign_in' }>): Answer {
    if (command.do === 'add_service' && command.url !== null) {
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
    this.#change('sign_ins', (all) => [
      ...all,
      {
        attempt,
        catalogue: command.do === 'add_service' ? command.catalogue : null,
        service: command.do === 'sign_in' ? command.service : null,
        title: 'Playground',
        phase: { phase: 'browser', address, until: Date.now() + 5 * MINUTE },
      },
    ]);
    setTimeout(() => {
      if (!this.#whole.sign_ins.some((one) => one.attempt === attempt)) return;
      this.#change('sign_ins', (all) => all.filter((one) => one.attempt !== attempt));
      this.#change('services', (all) => [...all.filter((one) => one.id !== 'playground'), playground()]);
    }, 3000);
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

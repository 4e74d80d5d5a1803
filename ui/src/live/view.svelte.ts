import type { Backend, Start } from '../backend';
import type { ActivityEntry } from '../control/ActivityEntry';
import type { Answer } from '../control/Answer';
import type { AppView } from '../control/AppView';
import type { CatalogueView } from '../control/CatalogueView';
import type { Command } from '../control/Command';
import type { ConnectionView } from '../control/ConnectionView';
import type { Problem } from '../control/Problem';
import type { Query } from '../control/Query';
import type { RequestId } from '../control/RequestId';
import type { RequestView } from '../control/RequestView';
import type { Section } from '../control/Section';
import type { ServiceView } from '../control/ServiceView';
import type { SettingsView } from '../control/SettingsView';
import type { SignInView } from '../control/SignInView';
import type { StatusView } from '../control/StatusView';
import { asProblem } from './problem';

/** Whether the engine talks to us. A window reaches its engine once: `failed` and `gone` are for good. */
export type Link =
  | { state: 'waiting' }
  | { state: 'live' }
  /** It never did, and why. */
  | { state: 'failed'; problem: Problem }
  /** It did, and ended. */
  | { state: 'gone' };

/** The engine's view as it last arrived. Sections are replaced whole, never changed in place. */
export class View {
  link = $state.raw<Link>({ state: 'waiting' });
  status = $state.raw<StatusView | null>(null);
  services = $state.raw<ServiceView[] | null>(null);
  catalogue = $state.raw<CatalogueView[]>([]);
  signIns = $state.raw<SignInView[]>([]);
  connections = $state.raw<ConnectionView[] | null>(null);
  requests = $state.raw<RequestView[] | null>(null);
  apps = $state.raw<AppView[]>([]);
  activity = $state.raw<ActivityEntry[]>([]);
  settings = $state.raw<SettingsView | null>(null);
  readonly #backend: Backend;
  readonly platform: string;
  /** The one request that this window is there to answer; `null` in the main window. */
  readonly request: RequestId | null;

  constructor(backend: Backend, start: Start) {
    this.#backend = backend;
    this.platform = start.platform;
    this.request = start.screen === 'consent' ? start.request : null;
  }

  /** Starts to listen. */
  async watch(): Promise<void> {
    try {
      await this.#backend.watch({
        view: (section) => this.put(section),
        gone: () => this.#end({ state: 'gone' }),
      });
    } catch (error) {
      this.#end({ state: 'failed', problem: asProblem(error) });
    }
  }

  /** The first end is the one that tells why. */
  #end(how: Link): void {
    if (this.#open) this.link = how;
  }

  get #open(): boolean {
    return this.link.state === 'waiting' || this.link.state === 'live';
  }

  put(section: Section): void {
    if (!this.#open) return;
    this.link = { state: 'live' };
    switch (section.section) {
      case 'status':
        this.status = section.body;
        break;
      case 'services':
        this.services = section.body;
        break;
      case 'catalogue':
        this.catalogue = section.body;
        break;
      case 'sign_ins':
        this.signIns = section.body;
        break;
      case 'connections':
        this.connections = section.body;
        break;
      case 'requests':
        this.requests = section.body;
        break;
      case 'apps':
        this.apps = section.body;
        break;
      case 'activity':
        this.activity = section.body;
        break;
      case 'settings':
        this.settings = section.body;
        break;
    }
  }

  /** Does something. Rejects with a `Problem`. */
  async command(command: Command): Promise<Answer> {
    try {
      return await this.#backend.command(command);
    } catch (error) {
      throw asProblem(error);
    }
  }

  /** Looks something up. Rejects with a `Problem`. */
  async query(query: Query): Promise<Answer> {
    try {
      return await this.#backend.query(query);
    } catch (error) {
      throw asProblem(error);
    }
  }

  close(): void {
    void this.#backend.close();
  }
}

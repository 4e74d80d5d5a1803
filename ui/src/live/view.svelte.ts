import type { Backend, Start } from '../backend';
import type { ActivityEntry } from '../control/ActivityEntry';
import type { Answer } from '../control/Answer';
import type { AppView } from '../control/AppView';
import type { CatalogueView } from '../control/CatalogueView';
import type { Command } from '../control/Command';
import type { ConnectionView } from '../control/ConnectionView';
import type { Query } from '../control/Query';
import type { RequestId } from '../control/RequestId';
import type { RequestView } from '../control/RequestView';
import type { Section } from '../control/Section';
import type { ServiceView } from '../control/ServiceView';
import type { SettingsView } from '../control/SettingsView';
import type { SignInView } from '../control/SignInView';
import type { StatusView } from '../control/StatusView';
import { asProblem } from './problem';

/** Whether the engine talks to us. */
export type Link = 'waiting' | 'live' | 'gone';

const RETRY_MS = 3000;

/** The engine's view as it last arrived. Sections are replaced whole, never changed in place. */
export class View {
  link = $state<Link>('waiting');
  status = $state.raw<StatusView | null>(null);
  services = $state.raw<ServiceView[] | null>(null);
  catalogue = $state.raw<CatalogueView[]>([]);
  signIns = $state.raw<SignInView[]>([]);
  connections = $state.raw<ConnectionView[] | null>(null);
  requests = $state.raw<RequestView[] | null>(null);
  apps = $state.raw<AppView[]>([]);
  activity = $state.raw<ActivityEntry[]>([]);
  settings = $state.raw<SettingsView | null>(null);
  /** The request that this window was last raised for. */
  raised = $state<RequestId | null>(null);

  readonly #backend: Backend;
  readonly platform: string;
  /** Whether this is a small window that answers one request. */
  readonly consent: boolean;

  constructor(backend: Backend, start: Start) {
    this.#backend = backend;
    this.platform = start.platform;
    this.consent = start.screen === 'consent';
    this.raised = start.request;
  }

  /** Starts to listen; when the engine can't be reached it is tried again until it can. */
  async watch(): Promise<void> {
    try {
      await this.#backend.watch({
        view: (section) => this.put(section),
        raise: (request) => {
          if (request !== null) this.raised = request;
        },
        gone: () => this.#lose(),
      });
    } catch {
      this.#lose();
    }
  }

  #lose(): void {
    this.link = 'gone';
    setTimeout(() => {
      if (this.link === 'gone') void this.watch();
    }, RETRY_MS);
  }

  put(section: Section): void {
    this.link = 'live';
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

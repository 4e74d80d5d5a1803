import { invoke } from '@tauri-apps/api/core';
import { listen, type UnlistenFn } from '@tauri-apps/api/event';
import type { Backend, Listener, Start } from '../backend';
import type { Answer } from '../control/Answer';
import type { Command } from '../control/Command';
import type { Query } from '../control/Query';
import type { RequestId } from '../control/RequestId';
import type { Section } from '../control/Section';

/** The window process. */
export class TauriBackend implements Backend {
  #listening: UnlistenFn[] = [];

  start(): Promise<Start> {
    return invoke('start');
  }

  command(command: Command): Promise<Answer> {
    return invoke('command', { command });
  }

  query(query: Query): Promise<Answer> {
    return invoke('query', { query });
  }

  async watch(listener: Listener): Promise<void> {
    // Listen before asking, or the first sections are lost; and never twice to the same event.
    if (this.#listening.length === 0) {
      this.#listening = await Promise.all([
        listen<Section>('view', (event) => listener.view(event.payload)),
        listen<{ request: RequestId | null }>('raise', (event) => listener.raise(event.payload.request)),
        listen('gone', () => listener.gone()),
      ]);
    }
    await invoke('watch');
  }

  close(): Promise<void> {
    return invoke('close');
  }
}

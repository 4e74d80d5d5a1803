import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { Backend, Listener, Start } from '../backend';
import type { Answer } from '../control/Answer';
import type { Command } from '../control/Command';
import type { Query } from '../control/Query';
import type { Section } from '../control/Section';

/** The window process. */
export class TauriBackend implements Backend {
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
    // Listen before asking, or the first sections are lost.
    await Promise.all([
      listen<Section>('view', (event) => listener.view(event.payload)),
      listen('gone', () => listener.gone()),
    ]);
    await invoke('watch');
  }

  close(): Promise<void> {
    return invoke('close');
  }
}

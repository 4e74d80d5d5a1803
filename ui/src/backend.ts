// The window's only way out. Two of it: the window process that Tauri runs, and a preview that plays an
// engine, for screen tests and for `npm run dev` in a browser.
import type { Answer } from './control/Answer';
import type { Command } from './control/Command';
import type { Query } from './control/Query';
import type { RequestId } from './control/RequestId';
import type { Section } from './control/Section';

/** What this window was opened for. */
export interface Start {
  screen: 'home' | 'consent';
  /** The request to answer, in a consent window. */
  request: RequestId | null;
  /** `linux`, `macos` or `windows`. */
  platform: string;
  /** The person's language where the system told it, such as `de`. A web view may not know. */
  language: string | null;
}

/** What the engine tells unasked. */
export interface Listener {
  /** A section of the view, whole. */
  view(section: Section): void;
  /** The engine ended. The way to it can't be opened twice: this window won't hear of it again. */
  gone(): void;
}

export interface Backend {
  start(): Promise<Start>;
  /** Rejects with a `Problem`. */
  command(command: Command): Promise<Answer>;
  /** Rejects with a `Problem`. */
  query(query: Query): Promise<Answer>;
  /** Gives the current sections first, then each that changed. Rejects with a `Problem`. */
  watch(listener: Listener): Promise<void>;
  close(): Promise<void>;
}

/** The backend this build is for. The preview and its fixtures are in no released bundle. */
export async function findBackend(): Promise<Backend> {
  if (import.meta.env.DEV || import.meta.env.MODE === 'preview') {
    if (!('__TAURI_INTERNALS__' in globalThis)) {
      const { PreviewBackend } = await import('./backend/preview');
      return new PreviewBackend(new URLSearchParams(location.search).get('scene') ?? 'home');
    }
  }
  const { TauriBackend } = await import('./backend/tauri');
  return new TauriBackend();
}

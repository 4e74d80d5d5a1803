import { beforeEach, describe, expect, it } from 'vitest';
import type { Backend, Listener } from '../backend';
import { View } from './view.svelte';

const inUse = { code: 'engine.port_in_use', sentence: 'Port 27440 is in use.', next: 'Quit the other program.' };
const nothing = { section: 'services' as const, body: [] };

/** A window process of whose engine the test says how it goes. */
class Played implements Backend {
  listener: Listener | null = null;
  refuses: unknown = null;

  start = () => Promise.resolve({ screen: 'home' as const, request: null, platform: 'linux', language: null });
  command = () => Promise.resolve({ answer: 'done' as const });
  query = () => Promise.resolve({ answer: 'done' as const });
  async watch(listener: Listener) {
    if (this.refuses !== null) throw this.refuses;
    this.listener = listener;
  }
  close = () => Promise.resolve();
}

describe('the way to the engine', () => {
  let played: Played;
  let view: View;

  beforeEach(async () => {
    played = new Played();
    view = new View(played, await played.start());
  });

  it('is live as soon as a section of the view arrives', async () => {
    await view.watch();
    expect(view.link).toEqual({ state: 'waiting' });
    played.listener?.view(nothing);
    expect(view.link).toEqual({ state: 'live' });
    expect(view.services).toEqual([]);
  });

  it('that never opened keeps the reason, whatever ends afterwards', async () => {
    played.refuses = inUse;
    await view.watch();
    expect(view.link).toEqual({ state: 'failed', problem: inUse });
    played.refuses = null;
    await view.watch();
    played.listener?.gone();
    expect(view.link).toEqual({ state: 'failed', problem: inUse });
  });

  it('that failed for a reason nobody foresaw has a problem to show all the same', async () => {
    played.refuses = 'command watch not found';
    await view.watch();
    expect(view.link).toMatchObject({ state: 'failed', problem: { code: 'window.unexpected' } });
  });

  it('stays closed once the engine ended, even when a late section arrives', async () => {
    await view.watch();
    played.listener?.view(nothing);
    played.listener?.gone();
    played.listener?.view(nothing);
    expect(view.link).toEqual({ state: 'gone' });
  });
});

it('only a consent window answers a request', () => {
  const start = { request: 'request-1', platform: 'linux', language: null };
  expect(new View(new Played(), { ...start, screen: 'consent' }).request).toBe('request-1');
  expect(new View(new Played(), { ...start, screen: 'home' }).request).toBeNull();
});

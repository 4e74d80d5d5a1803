import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import decodeQR from 'qr/decode.js';
import { describe, expect, it } from 'vitest';
import type { CatalogueView } from '../control/CatalogueView';
import { drawCode } from './code';
import type { ReceiptView } from '../control/ReceiptView';
import { asAddress } from './address';
import { lettersOn } from './colour';
import { endOfDay } from './day';
import { matters, waits, withLatest } from './receipt';
import { find } from './search';

const tile = (id: string, title: string, keywords: string[] = []): CatalogueView => ({
  id,
  title,
  about: '',
  url: null,
  site: null,
  full_name: `example/${id}`,
  mark: title.slice(0, 1),
  colour: null,
  keywords,
  website: null,
  note: null,
  token_page: null,
  own: false,
  services: [],
});

describe('searching the catalogue', () => {
  const tiles = [tile('mittwald', 'mittwald', ['hosting']), tile('wp', 'WordPress', ['blog']), tile('cafe', 'Café')];
  const found = (typed: string) =>
    find(tiles, typed, (one) => (one.id === 'wp' ? 'Deine Beiträge' : '')).map((t) => t.id);

  it('finds by title, key word and what stands on the tile, without capitals and accents', () => {
    expect(found('WORDp')).toEqual(['wp']);
    expect(found('hosting')).toEqual(['mittwald']);
    expect(found('beitrage')).toEqual(['wp']);
    expect(found('cafe')).toEqual(['cafe']);
  });

  it('wants every word that was typed', () => {
    expect(found('wordpress blog')).toEqual(['wp']);
    expect(found('wordpress hosting')).toEqual([]);
  });

  it('shows all in their order when nothing was typed', () => {
    expect(found('  ')).toEqual(['mittwald', 'wp', 'cafe']);
  });
});

describe('the letters on a tile', () => {
  const luminance = (colour: string) => {
    const part = (at: number) => {
      const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
  };

  it('can be read on every colour of the catalogue', () => {
    const path = join(import.meta.dirname, '../../../crates/engine/data/catalogue.json');
    const colours = [...readFileSync(path, 'utf8').matchAll(/"colour": "(#[0-9a-f]{6})"/g)].map(([, c]) => c ?? '');
    expect(colours.length).toBeGreaterThan(10);
    for (const colour of [...colours, '#777777', '#ffffff', '#000000']) {
      const light = luminance(colour);
      const contrast = lettersOn(colour) === 'white' ? 1.05 / (light + 0.05) : (light + 0.05) / 0.05;
      expect(contrast, colour).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('stay as they are on what is no colour', () => {
    for (const odd of ['', 'red', '#fff', '#12345g', 'url(x)']) expect(lettersOn(odd), odd).toBeNull();
  });
});

describe('the picture of an address', () => {
  /** The path drawn in black on white, `scale` dots a module. */
  function dots(text: string, scale = 4) {
    const drawn = drawCode(text);
    if (!drawn) throw new Error('not drawn');
    const size = drawn.side * scale;
    const data = new Uint8ClampedArray(size * size * 4).fill(255);
    for (const [, x, y] of drawn.path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
      for (let dy = 0; dy < scale; dy += 1) {
        for (let dx = 0; dx < scale; dx += 1) {
          const at = ((Number(y) * scale + dy) * size + Number(x) * scale + dx) * 4;
          data.fill(0, at, at + 3);
        }
      }
    }
    return { width: size, height: size, data };
  }

  it('is read back as the same address', () => {
    for (const text of [
      'https://provider.example/device?user_code=WDJB-MJHT',
      `https://provider.example/${'x'.repeat(400)}?q=Grüße`,
    ]) {
      expect(decodeQR(dots(text))).toBe(text);
    }
  });

  it('is left out when the address is too long for one', () => {
    expect(drawCode('x'.repeat(5000))).toBeNull();
  });
});

describe('the day on which a key ends', () => {
  it('counts to its end, by the clock on the wall', () => {
    const end = endOfDay('2027-03-03');
    expect(new Date(end ?? 0).toString()).toContain('Mar 03 2027 23:59:59');
  });

  it('is none where nothing that is a day was typed', () => {
    for (const odd of ['', '2027-02-31', '2027-3-3', 'tomorrow']) expect(endOfDay(odd), odd).toBeNull();
  });
});

it('an address may be typed without its beginning, and a beginning is kept', () => {
  expect(asAddress(' shop.example/mcp ')).toBe('https://shop.example/mcp');
  expect(asAddress('http://127.0.0.1:9/mcp')).toBe('http://127.0.0.1:9/mcp');
  expect(asAddress('localhost:9')).toBe('https://localhost:9');
});

describe('a receipt', () => {
  const receipt = (service: string, over: Partial<ReceiptView> = {}): ReceiptView => ({
    id: service,
    cause: 'removed',
    service,
    name: service,
    title: service,
    account: null,
    method: 'oauth',
    removed_on: 0,
    steps: [{ what: 'local', outcome: { outcome: 'done' }, said: null, at: 0 }],
    dead: { dead: 'seen_dead', at: 0 },
    ...over,
  });

  it('is shown unasked while something waits, and while the old sign-in lives', () => {
    const waiting = receipt('a', {
      steps: [{ what: 'refresh_token', outcome: { outcome: 'waiting', next_try: 1 }, said: null, at: 0 }],
    });
    expect([waits(waiting), matters(waiting)]).toEqual([true, true]);
    expect(matters(receipt('b', { dead: { dead: 'still_alive' } }))).toBe(true);
    expect(matters(receipt('c'))).toBe(false);
  });

  it('that was just answered is listed once, as it is kept where it is kept already', () => {
    const kept = [receipt('a', { title: 'newer' })];
    expect(withLatest(kept, receipt('a'))).toEqual(kept);
    expect(withLatest(kept, receipt('b')).map((one) => one.service)).toEqual(['b', 'a']);
    expect(withLatest(kept, null)).toEqual(kept);
  });
});

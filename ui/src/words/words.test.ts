import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AppMethod } from '../control/AppMethod';
import * as spoken from '.';
import { choose, say, sayScope, speak } from '.';
import { de } from './de';
import { en } from './en';
import { fill, plural } from './say';

const root = join(import.meta.dirname, '../../..');

/** Each word with its path. What stands in a table by id is compared on its own. */
function leaves(at: unknown, path = ''): [string, unknown][] {
  if (typeof at !== 'object' || at === null) return [[path, at]];
  return Object.entries(at).flatMap(([key, value]) => leaves(value, `${path}.${key}`));
}

const tables = [
  '.times',
  '.problems',
  '.services.about',
  '.services.notes',
  '.apps.next',
  '.settings.autostartFixed',
  '.keys.notice',
];
const fixed = (words: typeof en) => leaves(words).filter(([path]) => !tables.some((table) => path.startsWith(table)));

/** All Rust code of the rooms a window hears of, without its tests. */
function rust(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'tests' || entry.name === 'target' ? [] : rust(path);
    if (!entry.name.endsWith('.rs') || entry.name.includes('test')) return [];
    return [readFileSync(path, 'utf8').split('#[cfg(test)]')[0] ?? ''];
  });
}

describe('the words', () => {
  it('say the same things in German as in English', () => {
    expect(fixed(de).map(([path]) => path)).toEqual(fixed(en).map(([path]) => path));
  });

  it('are never empty, and a sentence takes the same values in both languages', () => {
    const german = new Map(fixed(de));
    for (const [path, word] of fixed(en)) {
      const other = german.get(path);
      expect(typeof other, path).toBe(typeof word);
      if (typeof word === 'string') expect([word, other], path).not.toContain('');
      if (typeof word === 'function' && typeof other === 'function') {
        const values = ['Alpha', 'Beta', 'Gamma'];
        for (const value of values.slice(0, word.length)) {
          expect(String(other(...values)).includes(value), path).toBe(String(word(...values)).includes(value));
        }
      }
    }
  });

  it('have German for whatever a check is called and saw', () => {
    const doctor = readFileSync(join(root, 'crates/engine/src/doctor.rs'), 'utf8');
    const said = [...doctor.matchAll(/"([^"]+)"\.to_owned\(\)/g)].map(([, text]) => text ?? '');
    expect(said.length).toBeGreaterThan(8);
    for (const text of said.filter((one) => one !== 'another program')) {
      expect([de.settings.checkName(text), de.settings.checkSeen(text)], text).not.toContain(text);
    }
    expect(de.settings.checkSeen('open (keychain)')).toBe('offen (Schlüsselbund)');
    expect(de.settings.checkName('Service notes')).toBe('Dienst notes');
  });

  it('keep the words of engineers off normal screens', () => {
    for (const words of [en, de]) {
      for (const [path, word] of fixed(words)) {
        const text = typeof word === 'function' ? String(word('', '', '')) : String(word);
        expect(text, path).not.toMatch(/\b(MCP|OAuth|token|scope|PKCE|endpoint|server)\b/i);
      }
    }
  });

  it('have German for every problem that Bellhop can have', () => {
    const codes = new Set<string>();
    for (const room of ['apps', 'authority', 'control', 'engine', 'relay', 'signin', 'store', 'vault']) {
      for (const source of rust(join(root, 'crates', room, 'src'))) {
        for (const [, code] of source.matchAll(new RegExp(`"(${room}\\.[a-z_]+)"`, 'g'))) if (code) codes.add(code);
      }
    }
    // Not a problem but what a sealed column is bound to.
    codes.delete('vault.key');
    expect(codes.size).toBeGreaterThan(50);
    expect([...codes].filter((code) => !(code in de.problems)).sort()).toEqual([]);
  });

  it('have German for every tile and for every app’s next step', () => {
    const tiles = JSON.parse(readFileSync(join(root, 'crates/engine/data/catalogue.json'), 'utf8')) as {
      _meta: { 'app.bellhop.desktop/tile': { id: string; note?: string } };
    }[];
    const ids = tiles.map((tile) => tile._meta['app.bellhop.desktop/tile'].id);
    expect(ids.length).toBeGreaterThan(10);
    expect(ids.filter((id) => !(id in de.services.about))).toEqual([]);
    const noted = tiles.map((tile) => tile._meta['app.bellhop.desktop/tile']).filter((tile) => tile.note);
    expect(noted.length).toBeGreaterThan(3);
    expect(noted.map((tile) => tile.id).sort()).toEqual(Object.keys(de.services.notes).sort());
    const missing: string[] = [];
    for (const file of readdirSync(join(root, 'crates/apps/data'))) {
      const app = file.replace('.toml', '');
      const next = /^\[next\]\n((?:\w+ = .*\n)+)/m.exec(readFileSync(join(root, 'crates/apps/data', file), 'utf8'));
      const methods = [...(next?.[1] ?? '').matchAll(/^(\w+) =/gm)].map(([, method]) => method as AppMethod);
      expect(methods, file).not.toEqual([]);
      missing.push(...methods.filter((method) => !de.apps.next[app]?.[method]).map((method) => `${app} ${method}`));
    }
    expect(missing).toEqual([]);
  });

  it('are chosen by the first language of the person that Bellhop speaks', () => {
    expect(choose(['fr-FR', 'de-AT', 'en'])).toBe(de);
    expect(choose(['en-US', 'de'])).toBe(en);
    expect(choose(['ja'])).toBe(en);
    expect(choose([])).toBe(en);
  });

  it('are in the language that the system tells, whatever the web view believes', () => {
    speak('de');
    expect(spoken.words).toBe(de);
    expect(say({ code: 'control.gone', sentence: '', next: '' })).toEqual(de.problems['control.gone']);
    speak('en');
    expect(spoken.words).toBe(en);
  });
});

describe('a problem', () => {
  const problem = {
    code: 'signin.unreachable',
    sentence: 'shop.example can’t be reached.',
    next: 'Check the address.',
    values: { host: 'shop.example' },
  };

  it('is said in German with its values', () => {
    expect(say(problem, de).sentence).toBe('shop.example ist nicht zu erreichen.');
  });

  it('is said in the engine’s own words in English, and where there is no translation', () => {
    expect(say(problem, en).sentence).toBe(problem.sentence);
    expect(say({ ...problem, code: 'signin.brand_new' }, de)).toEqual({
      sentence: problem.sentence,
      next: problem.next,
    });
  });

  it('falls back to a general word when a value is missing', () => {
    expect(say({ ...problem, values: {} }, de).sentence).toBe('Der Dienst ist nicht zu erreichen.');
    expect(fill('{a} and {b}', { a: 'x' })).toBeNull();
    expect(fill('{a|nobody}', {})).toBe('nobody');
  });
});

describe('what a connection may do', () => {
  const services = [
    { name: 'mittwald', title: 'mittwald' },
    { name: 'blog', title: 'My blog' },
  ];

  it('is told by the services’ titles, reading before changing', () => {
    expect(sayScope('blog:write mittwald:read', services, en)).toBe('reads mittwald, reads and changes My blog');
    expect(sayScope('blog:read mittwald:read', services, de)).toBe('liest My blog und mittwald');
  });

  it('counts changing as reading too, and knows services that are gone by their short name', () => {
    expect(sayScope('old:read old:write', services, en)).toBe('reads and changes old');
  });

  it('is nothing when nothing was allowed', () => {
    expect(sayScope('', services, en)).toBe('may do nothing');
  });
});

it('numbers take the form their language has for them', () => {
  const n = plural('en');
  expect([0, 1, 2].map((count) => n(count, { zero: 'none', one: 'one', other: 'many' }))).toEqual([
    'none',
    'one',
    'many',
  ]);
  expect(n(0, { one: 'one', other: 'many' })).toBe('many');
});

import type { ConnectionView } from '../control/ConnectionView';
import type { Problem } from '../control/Problem';
import type { ServiceView } from '../control/ServiceView';
import { de } from './de';
import { en, type Words } from './en';
import { fill } from './say';

export type { Words } from './en';

/** The first of the person's languages that Bellhop speaks. */
export function choose(languages: readonly string[]): Words {
  for (const language of languages) {
    const base = language.toLowerCase().split('-')[0];
    if (base === 'de') return de;
    if (base === 'en') return en;
  }
  return en;
}

/** The words of this window. They stand before its first screen is drawn, and stay. */
export let words: Words = choose(globalThis.navigator?.languages ?? []);

/** Speaks the language that the system told, which goes before what the web view believes. */
export function speak(language: string): void {
  words = choose([language, ...(globalThis.navigator?.languages ?? [])]);
}

/** A problem in the person's language; the engine's own English where there is no translation for it. */
export function say(problem: Problem, w: Words = words): { sentence: string; next: string } {
  const known = w.problems[problem.code];
  if (known) {
    const sentence = fill(known.sentence, problem.values ?? {});
    const next = fill(known.next, problem.values ?? {});
    if (sentence !== null && next !== null) return { sentence, next };
  }
  return { sentence: problem.sentence, next: problem.next };
}

/** What a connection may do, such as "reads mittwald, reads and changes WordPress". */
export function sayScope(
  scope: ConnectionView['scope'],
  services: readonly Pick<ServiceView, 'name' | 'title'>[],
  w: Words = words,
): string {
  const title = (name: string) => services.find((service) => service.name === name)?.title ?? name;
  const reads = new Set<string>();
  const changes = new Set<string>();
  for (const permit of scope.split(' ')) {
    const [name, access] = permit.split(':');
    if (!name) continue;
    if (access === 'write') changes.add(title(name));
    else if (access === 'read') reads.add(title(name));
  }
  for (const name of changes) reads.delete(name);
  const parts: string[] = [];
  if (reads.size > 0) parts.push(w.scope.reads(w.and([...reads])));
  if (changes.size > 0) parts.push(w.scope.changes(w.and([...changes])));
  return parts.length > 0 ? parts.join(', ') : w.scope.nothing;
}

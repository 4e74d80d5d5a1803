import { describe, expect, it } from 'vitest';
import type { Allowed } from './allowed';
import { allows, choose, preselected, writeScope } from './allowed';
import { readDiff } from './diff';
import { asProblem } from './problem';

describe('what the person allows', () => {
  it('starts with what the engine preselected', () => {
    const one = { title: '', tools: [], write: false };
    expect(
      preselected([
        { ...one, name: 'a', read: true },
        { ...one, name: 'b', read: false },
      ]),
    ).toEqual({ a: 'read', b: undefined });
  });

  it('includes reading whatever may be changed', () => {
    expect(choose(undefined, 'write', true)).toBe('write');
    expect(choose('write', 'read', false)).toBeUndefined();
    expect(choose('write', 'write', false)).toBe('read');
    expect(choose('write', 'read', true)).toBe('write');
  });

  it('is written as the engine reads it', () => {
    const allowed: Allowed = { mittwald: 'read', blog: 'write', old: undefined };
    expect(writeScope(allowed)).toBe('mittwald:read blog:write');
    expect(allows(allowed)).toBe(true);
  });

  it('is nothing when every box is empty', () => {
    expect(allows({ a: undefined })).toBe(false);
    expect(writeScope({ a: undefined })).toBe('');
  });
});

describe('a change of a file', () => {
  const diff =
    '--- a\n+++ b\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n@@ -9,1 +9,2 @@\n far\n+---dashes\n\\ No newline at end of file\n';

  it('is read line by line, without the file headers', () => {
    expect(readDiff(diff)).toEqual([
      { kind: 'same', text: 'same' },
      { kind: 'removed', text: 'old' },
      { kind: 'added', text: 'new' },
      { kind: 'gap' },
      { kind: 'same', text: 'far' },
      { kind: 'added', text: '---dashes' },
    ]);
  });

  it('that is none has no lines', () => {
    expect(readDiff('')).toEqual([]);
  });
});

describe('what was thrown', () => {
  it('stays as it is when the engine said it', () => {
    const problem = { code: 'engine.paused', sentence: 'Bellhop is paused.', next: '' };
    expect(asProblem(problem)).toBe(problem);
  });

  it('gets a sentence of its own otherwise', () => {
    expect(asProblem(new Error('boom')).code).toBe('window.unexpected');
    expect(asProblem(undefined).sentence).not.toBe('');
  });
});

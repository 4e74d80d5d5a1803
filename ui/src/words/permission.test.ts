import { describe, expect, it } from 'vitest';
import { de } from './de';
import { en } from './en';
import { sayPermission } from './permission';

describe('a permission at a provider', () => {
  it('is said in words, in the person’s language', () => {
    expect(sayPermission('project:read', undefined, en)).toBe('read projects');
    expect(sayPermission('project:read', undefined, de)).toBe('Projekte lesen');
    expect(sayPermission('offline_access', undefined, de)).toBe('angemeldet bleiben');
  });

  it('is understood whichever half comes first', () => {
    expect(sayPermission('read:user', undefined, en)).toBe('read your account');
  });

  it('keeps the provider’s own name for what Bellhop has no word for', () => {
    expect(sayPermission('mail_address:delete', undefined, de)).toBe('mail address löschen');
  });

  it('that can’t be read as words is said as the engine or the provider says it', () => {
    expect(sayPermission('repo', 'all of a repository', en)).toBe('all of a repository');
    for (const odd of ['admin', 'a:b:c', ':read', 'read:', 'https://x.example/auth:read', 'toString:read:', '']) {
      expect(sayPermission(odd, undefined, de), odd).toBe(odd);
    }
    expect(sayPermission('toString:valueOf', undefined, en)).toBe('toString:valueOf');
  });
});

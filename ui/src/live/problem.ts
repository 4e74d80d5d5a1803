import type { Problem } from '../control/Problem';

/** What was thrown, as a problem: the engine's own, or one that says that something else broke. */
export function asProblem(error: unknown): Problem {
  if (typeof error === 'object' && error !== null && 'code' in error && 'sentence' in error) {
    return error as Problem;
  }
  return {
    code: 'window.unexpected',
    sentence: 'Something went wrong that Bellhop has no name for.',
    next: 'Try again; if it happens again, close this window and open it anew.',
    values: { detail: String(error) },
  };
}

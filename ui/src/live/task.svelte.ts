import type { Problem } from '../control/Problem';
import { asProblem } from './problem';

type Going = { state: 'idle' } | { state: 'busy' } | { state: 'failed'; problem: Problem };

/** One thing a button does: it runs once at a time and keeps how it went wrong. */
export class Task {
  #going = $state.raw<Going>({ state: 'idle' });

  get busy(): boolean {
    return this.#going.state === 'busy';
  }

  get problem(): Problem | null {
    return this.#going.state === 'failed' ? this.#going.problem : null;
  }

  /** Runs it unless it runs already; tells whether it succeeded. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.#going = { state: 'busy' };
    try {
      await work();
      this.#going = { state: 'idle' };
      return true;
    } catch (error) {
      this.#going = { state: 'failed', problem: asProblem(error) };
      return false;
    }
  }

  forget(): void {
    if (!this.busy) this.#going = { state: 'idle' };
  }
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** The time, for screens. `second` is for countdowns, `minute` for "5 minutes ago". */
class Now {
  second = $state(Date.now());
  minute = $state(Date.now());

  constructor() {
    setInterval(() => this.#tick(), SECOND);
    // A hidden window's timers are slowed down: catch up when it is seen again.
    document.addEventListener('visibilitychange', () => this.#tick());
  }

  #tick(): void {
    const now = Date.now();
    this.second = now;
    if (Math.floor(now / MINUTE) !== Math.floor(this.minute / MINUTE)) this.minute = now;
  }
}

export const now = new Now();

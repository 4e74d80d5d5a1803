// Dates, times and spans as a person says them. The moment that is "now" is passed in.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Whole days between two moments, by the local calendar. */
function daysBetween(then: number, now: number): number {
  const midnight = (at: number) => new Date(at).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(then)) / (24 * HOUR));
}

export interface Times {
  /** "5 minutes ago", "yesterday", "3 March". */
  ago(then: number, now: number): string;
  /** "today", "yesterday", "Monday, 3 March". */
  day(then: number, now: number): string;
  /** "3 March", with the year when it is another one. */
  date(then: number, now: number): string;
  /** "14:05". */
  clock(then: number): string;
  /** "14:05" today, else "3 March, 14:05". */
  moment(then: number, now: number): string;
  /** "4:59". */
  countdown(until: number, now: number): string;
  /** "0.3 s". */
  length(millis: number): string;
}

export function times(locale: string): Times {
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long' });
  const dateYear = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric' });
  const weekday = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
  const tenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });

  const self: Times = {
    ago(then, now) {
      const past = Math.max(0, now - then);
      if (past < MINUTE) return relative.format(0, 'second');
      if (past < HOUR) return relative.format(-Math.floor(past / MINUTE), 'minute');
      const days = daysBetween(then, now);
      if (days === 0) return relative.format(-Math.floor(past / HOUR), 'hour');
      if (days < 7) return relative.format(-days, 'day');
      return self.date(then, now);
    },
    day(then, now) {
      const days = daysBetween(then, now);
      if (days === 0 || days === 1) return relative.format(-days, 'day');
      return days < 365 ? weekday.format(then) : dateYear.format(then);
    },
    date(then, now) {
      const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
      return (sameYear ? date : dateYear).format(then);
    },
    clock: (then) => clock.format(then),
    moment(then, now) {
      return daysBetween(then, now) === 0 ? clock.format(then) : `${self.date(then, now)}, ${clock.format(then)}`;
    },
    countdown(until, now) {
      // Rounded down: the clock it is counted by is up to a second behind, and ten minutes must not show 10:01.
      const seconds = Math.max(0, Math.floor((until - now) / SECOND));
      return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    },
    length(millis) {
      return millis < 950 ? `${Math.round(millis)} ms` : `${tenth.format(millis / SECOND)} s`;
    },
  };
  return self;
}

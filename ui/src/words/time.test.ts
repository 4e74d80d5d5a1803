import { describe, expect, it } from 'vitest';
import { times } from './time';

const en = times('en-GB');
const de = times('de-DE');
const now = new Date(2026, 10, 21, 12, 0, 30).getTime();
const before = (days: number, hours = 0, minutes = 0) =>
  new Date(2026, 10, 21 - days, 12 - hours, -minutes, 30).getTime();

describe('a moment', () => {
  it('is told by its distance while that says something, then by its date', () => {
    expect(en.ago(now, now)).toBe('now');
    expect(en.ago(before(0, 0, 5), now)).toBe('5 minutes ago');
    expect(en.ago(before(0, 3), now)).toBe('3 hours ago');
    expect(en.ago(before(1), now)).toBe('yesterday');
    expect(de.ago(before(2), now)).toBe('vorgestern');
    expect(en.ago(before(30), now)).toBe('22 October');
  });

  it('was yesterday when it was before midnight, even if only hours ago', () => {
    const early = new Date(2026, 10, 21, 1, 0).getTime();
    expect(en.ago(new Date(2026, 10, 20, 22, 0).getTime(), early)).toBe('yesterday');
  });

  it('in the future of a clock that was set back counts as now', () => {
    expect(en.ago(now + 60_000, now)).toBe('now');
  });

  it('has its year only when it is another one', () => {
    expect(de.date(before(0), now)).toBe('21. November');
    expect(de.date(new Date(2027, 2, 3).getTime(), now)).toBe('3. März 2027');
  });

  it('has its day only when it is another one', () => {
    expect(en.moment(before(0, 2), now)).toBe('10:00');
    expect(en.moment(before(3), now)).toBe('18 November, 12:00');
  });
});

describe('a countdown', () => {
  it('ends at nought and never runs below', () => {
    expect(en.countdown(now + 299_000, now)).toBe('4:59');
    expect(en.countdown(now + 1, now)).toBe('0:00');
    expect(en.countdown(now + 600_900, now)).toBe('10:00');
    expect(en.countdown(now - 5000, now)).toBe('0:00');
  });
});

it('a length is told in the unit a person would take', () => {
  expect(en.length(84)).toBe('84 ms');
  expect(en.length(5210)).toBe('5.2 s');
  expect(de.length(5210)).toBe('5,2 s');
});

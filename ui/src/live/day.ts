import type { Timestamp } from '../control/Timestamp';

/** The end of a day that a date field names (`2027-03-03`), by the local clock; `null` when it names none. */
export function endOfDay(typed: string): Timestamp | null {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(typed) ?? [];
  if (!year) return null;
  const at = new Date(Number(year), Number(month) - 1, Number(day), 23, 59, 59);
  // The 31st of February is another day.
  return at.getDate() === Number(day) ? at.getTime() : null;
}

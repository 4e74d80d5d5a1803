/** The forms a language has for a number; `zero` is for exactly none. */
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** Picks the form for a number. */
export function plural(locale: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(locale);
  return (count, forms) => {
    if (count === 0 && forms.zero !== undefined) return forms.zero;
    return forms[rules.select(count)] ?? forms.other;
  };
}

/** Joins names as a sentence does: "a, b and c". */
export function lister(locale: string): (items: string[]) => string {
  const list = new Intl.ListFormat(locale, { type: 'conjunction' });
  return (items) => list.format(items);
}

/**
 * Puts values into `{name}` places. `{name|otherwise}` has words for a value that is missing; without them
 * the whole is `null`.
 */
export function fill(template: string, values: Record<string, string>): string | null {
  let whole = true;
  const text = template.replace(/\{(\w+)(?:\|([^}]*))?\}/g, (place, name: string, otherwise?: string) => {
    const value = values[name] ?? otherwise;
    if (value === undefined) whole = false;
    return value ?? place;
  });
  return whole ? text : null;
}

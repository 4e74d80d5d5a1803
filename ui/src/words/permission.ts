import { words as spoken, type Words } from '.';

/** Resource and action of a permission such as `project:read`; some providers write it the other way round. */
function halves(name: string, actions: object): [string, string] | null {
  const parts = name.split(':');
  const [first, second] = parts;
  if (parts.length !== 2 || !first || !second) return null;
  if (Object.hasOwn(actions, second)) return [first, second];
  return Object.hasOwn(actions, first) ? [second, first] : null;
}

/**
 * A permission at a provider in the person's language. What Bellhop has no words for is said as the engine says it
 * (`otherwise`), or as the provider writes it.
 */
export function sayPermission(name: string, otherwise: string = name, w: Words = spoken): string {
  const { actions, things, whole } = w.permission;
  if (Object.hasOwn(whole, name)) return whole[name as keyof typeof whole];
  const found = halves(name, actions);
  if (!found) return otherwise;
  const [thing, action] = found;
  // A name of several words is a provider's own: with its marks taken out it can be read.
  if (!/^[a-z][\w.-]*$/i.test(thing)) return otherwise;
  const what = Object.hasOwn(things, thing) ? things[thing as keyof typeof things] : thing.replace(/[_.-]/g, ' ');
  return actions[action as keyof typeof actions](what);
}

import type { Access } from '../control/Access';
import type { RequestService } from '../control/RequestService';
import type { Scope } from '../control/Scope';

/** What the person chose, by a service's short name. Changing includes reading. */
export type Allowed = Record<string, Access | undefined>;

/** What is chosen before the person chose anything. */
export function preselected(services: readonly RequestService[]): Allowed {
  return Object.fromEntries(
    services.map((service) => [service.name, service.write ? 'write' : service.read ? 'read' : undefined]),
  );
}

/** A box was ticked or unticked. */
export function choose(before: Access | undefined, box: Access, on: boolean): Access | undefined {
  if (box === 'write') return on ? 'write' : 'read';
  // Whoever may not read may not change either.
  return on ? (before ?? 'read') : undefined;
}

export function allows(allowed: Allowed): boolean {
  return Object.values(allowed).some((access) => access !== undefined);
}

/** As the engine reads it: `mittwald:read wordpress:write`. */
export function writeScope(allowed: Allowed): Scope {
  return Object.entries(allowed)
    .flatMap(([name, access]) => (access === undefined ? [] : [`${name}:${access}`]))
    .join(' ');
}

/**
 * mittwald's authorization server: each redirect exactly as it was registered, the loopback port too; refresh tokens
 * that rotate without a grace; any hiccup behind it as `invalid_grant`; a document that promises what is not there.
 */

import { createHash, randomBytes } from 'node:crypto';
import { say } from '../lib/peer.mjs';

export const SCOPES = ['user', 'customer', 'project', 'app', 'database', 'domain', 'mail'].flatMap(
  (about) => [`${about}:read`, `${about}:write`],
);

const PEOPLE = {
  anna: { id: 'f0f86186', email: 'anna@example.com', person: { firstName: 'Anna', lastName: 'Berg' } },
  ben: { id: 'a1b27352', email: 'ben@example.com', person: { firstName: 'Ben', lastName: 'Tal' } },
};

const fresh = () => randomBytes(20).toString('hex');

class Refusal extends Error {
  constructor(code, status = 400) {
    super(code);
    Object.assign(this, { code, status });
  }
}

export class Authorization {
  #clients = new Map();
  #asked = new Map();
  #codes = new Map();
  /** By access token and by refresh token, to their grants. */
  #access = new Map();
  #refresh = new Map();
  /** API tokens, made in mStudio. They don't end. */
  #api;

  /** @param {{issuer: string, ttl: number, refreshTtl: number, hiccups: number, token: string}} options */
  constructor({ issuer, ttl, refreshTtl, hiccups, token }) {
    Object.assign(this, { issuer, ttl, refreshTtl, hiccups });
    this.#api = new Map([[token, { account: PEOPLE.anna, scopes: SCOPES }]]);
  }

  /** What is true of it. */
  get metadata() {
    const at = this.issuer;
    return {
      issuer: at,
      authorization_endpoint: `${at}/authorize`,
      token_endpoint: `${at}/token`,
      registration_endpoint: `${at}/register`,
      scopes_supported: SCOPES,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_methods_supported: ['none'],
      code_challenge_methods_supported: ['S256'],
    };
  }

  /** What its own document says: two of these endpoints are not there. */
  get promised() {
    const at = this.issuer;
    return { ...this.metadata, revocation_endpoint: `${at}/revoke`, userinfo_endpoint: `${at}/userinfo` };
  }

  /** The grant behind a bearer; undefined where there is none. */
  grant(bearer) {
    const found = this.#access.get(bearer);
    if (found && found.ends > Date.now() && this.#clients.has(found.client)) return found;
    return this.#api.get(bearer);
  }

  register(asked) {
    const id = fresh();
    const client = { ...asked, client_id: id, manage: fresh() };
    this.#clients.set(id, client);
    say('registered', { client: id, name: asked.client_name, redirect: asked.redirect_uris[0] });
    return {
      ...asked,
      client_id: id,
      token_endpoint_auth_method: 'none',
      registration_client_uri: `${this.issuer}/register/${id}`,
      registration_access_token: client.manage,
    };
  }

  /** RFC 7592: with the registration goes all that was granted to it. */
  unregister(id, bearer) {
    if (this.#clients.get(id)?.manage !== bearer) throw new Refusal('invalid_token', 401);
    this.#clients.delete(id);
    for (const tokens of [this.#access, this.#refresh]) {
      for (const [token, { client }] of tokens) if (client === id) tokens.delete(token);
    }
    say('unregistered', { client: id });
  }

  /** Where the browser goes on: to the consent page, or back with an error. */
  authorize(query) {
    const client = this.#clients.get(query.get('client_id'));
    const redirect = query.get('redirect_uri');
    if (!client?.redirect_uris.includes(redirect)) {
      say('redirect_refused', { redirect });
      throw new Refusal('invalid_redirect_uri');
    }
    const scopes = (query.get('scope') ?? '').split(' ').filter(Boolean);
    if (scopes.some((scope) => !SCOPES.includes(scope))) {
      say('scope_refused', { scopes });
      return back(redirect, { error: 'invalid_scope', state: query.get('state') });
    }
    if (query.get('code_challenge_method') !== 'S256') throw new Refusal('invalid_request');
    const handle = fresh();
    this.#asked.set(handle, { query, client, scopes });
    return `${this.issuer}/consent?ask=${handle}`;
  }

  page(handle) {
    const { client, scopes } = this.#asked.get(handle);
    const name = client.client_name.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
    return `<!doctype html><title>mStudio</title><p>${name}: ${scopes.join(' ')}</p>
<form method="post" action="/consent?ask=${handle}">
<button name="decision" value="approve">Anna</button>
<button name="decision" value="approve ben">Ben</button></form>`;
  }

  approve(handle, decision) {
    const { query, client, scopes } = this.#asked.get(handle);
    this.#asked.delete(handle);
    const account = PEOPLE[decision.split(' ')[1] ?? 'anna'];
    const code = fresh();
    const [redirect, challenge] = [query.get('redirect_uri'), query.get('code_challenge')];
    this.#codes.set(code, { client: client.client_id, scopes, account, redirect, challenge });
    say('approved', { client: client.client_id, scopes, resource: query.get('resource') });
    return back(redirect, { code, state: query.get('state') });
  }

  token(form) {
    const kind = form.get('grant_type');
    if (!this.#clients.has(form.get('client_id'))) throw new Refusal('invalid_client', 401);
    if (kind === 'authorization_code') return this.#exchange(form);
    if (kind === 'refresh_token') return this.#renew(form);
    throw new Refusal('unsupported_grant_type');
  }

  #exchange(form) {
    const code = this.#codes.get(form.get('code'));
    this.#codes.delete(form.get('code'));
    const verified = createHash('sha256').update(form.get('code_verifier')).digest('base64url');
    const good =
      code?.client === form.get('client_id') &&
      code.redirect === form.get('redirect_uri') &&
      code.challenge === verified;
    if (!good) throw new Refusal('invalid_grant');
    return this.#issue('authorization_code', code);
  }

  #renew(form) {
    const presented = form.get('refresh_token');
    const grant = this.#refresh.get(presented);
    if (this.hiccups > 0) {
      // What is behind it stumbled; the grant lives.
      this.hiccups -= 1;
      say('hiccup', { alive: Boolean(grant) });
      throw new Refusal('invalid_grant');
    }
    this.#refresh.delete(presented);
    if (!grant || grant.client !== form.get('client_id') || grant.lost < Date.now()) {
      say('refresh_refused', { reason: grant ? 'unused for too long' : 'superseded' });
      throw new Refusal('invalid_grant');
    }
    return this.#issue('refresh_token', grant);
  }

  #issue(kind, { client, scopes, account }) {
    const [access, refresh] = [fresh(), fresh()];
    const grant = { client, scopes, account };
    this.#access.set(access, { ...grant, ends: Date.now() + this.ttl * 1000 });
    this.#refresh.set(refresh, { ...grant, lost: Date.now() + this.refreshTtl * 1000 });
    say('token', {
      grant: kind,
      client,
      ...(kind === 'authorization_code' && { tokens: [access, refresh] }),
    });
    return {
      access_token: access,
      token_type: 'Bearer',
      expires_in: this.ttl,
      refresh_token: refresh,
      scope: scopes.join(' '),
    };
  }
}

function back(redirect, fields) {
  const url = new URL(redirect);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return url.href;
}

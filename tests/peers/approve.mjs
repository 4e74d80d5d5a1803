#!/usr/bin/env node
/**
 * A browser with a finger on the button: follows an address with cookies, presses the first button of each form
 * it meets (or the one whose value is asked for), and ends where an app waits for the answer.
 *
 *   node approve.mjs ADDRESS [--press deny]
 *
 * Also to be set as `BROWSER`, or called `xdg-open` on the PATH, for apps that open one themselves. Prints the
 * last address, and leaves with 0 once it was reached.
 */

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const MOST_STEPS = 30;
/** How long a page may keep saying "wait" before the browser is closed, in milliseconds. */
const PATIENCE = 120_000;

/** Cookies by name for each host, and no more rules than loopback servers need: paths count, domains don't. */
class Cookies {
  #kept = new Map();

  take(url, response) {
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const path = attributes.find((a) => /^path=/i.test(a))?.slice(5) ?? '/';
      const gone = attributes.some((a) => /^max-age=0$/i.test(a) || /^expires=.*1970/i.test(a));
      const key = `${url.host} ${path} ${name}`;
      if (gone) this.#kept.delete(key);
      else this.#kept.set(key, { host: url.host, path, pair: `${name}=${value}` });
    }
  }

  header(url) {
    const fits = ({ host, path }) => host === url.host && url.pathname.startsWith(path);
    return [...this.#kept.values()]
      .filter(fits)
      .map(({ pair }) => pair)
      .join('; ');
  }
}

const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`\\b${name}\\s*=\\s*("([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i'));
  const text = found?.[2] ?? found?.[3] ?? found?.[4];
  return text
    ?.replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&');
};

/** The request that pressing a button of the page's first form makes; undefined without a form. */
function submission(html, base, press) {
  const form = html.match(/<form\b[^>]*>[\s\S]*?<\/form>/i)?.[0];
  if (!form) return undefined;
  const body = new URLSearchParams();
  for (const [tag] of form.matchAll(/<input\b[^>]*>/gi)) {
    const [name, type] = [attribute(tag, 'name'), attribute(tag, 'type') ?? 'text'];
    const counts =
      !/^(submit|button|reset|image)$/i.test(type) &&
      (!/^(checkbox|radio)$/i.test(type) || / checked/i.test(tag));
    if (name && counts)
      body.append(name, attribute(tag, 'value') ?? (/^(checkbox|radio)$/i.test(type) ? 'on' : ''));
  }
  const buttons = [...form.matchAll(/<(button|input)\b[^>]*>/gi)]
    .map(([tag]) => tag)
    .filter((tag) =>
      /^<button/i.test(tag)
        ? !/^(button|reset)$/i.test(attribute(tag, 'type') ?? '')
        : /^submit$/i.test(attribute(tag, 'type') ?? ''),
    );
  // A form that scripts would send by themselves has one button, for those who have none.
  const [only] = buttons.length === 1 && attribute(buttons[0], 'value') === undefined ? buttons : [];
  const button = press ? (buttons.find((tag) => attribute(tag, 'value') === press) ?? only) : buttons[0];
  if (press && !button) throw new Error(`no button “${press}” on ${base.origin}${base.pathname}`);
  if (button && attribute(button, 'name'))
    body.append(attribute(button, 'name'), attribute(button, 'value') ?? '');
  const head = form.match(/<form\b[^>]*>/i)[0];
  const url = new URL(attribute(head, 'action') || base.href, base);
  if (/^post$/i.test(attribute(head, 'method') ?? '')) return { url, method: 'POST', body };
  url.search = body.toString();
  return { url, method: 'GET' };
}

/** Where a page says it goes on by itself, and in how many milliseconds; undefined where it doesn't. */
function refresh(html, base) {
  const tag = html.match(/<meta\b[^>]*http-equiv\s*=\s*["']?refresh\b[^>]*>/i)?.[0];
  const [, seconds, target] =
    attribute(tag ?? '', 'content')?.match(/^\s*([\d.]+)\s*[;,]\s*url=(.*)$/i) ?? [];
  return target && { url: new URL(target.trim(), base), delay: Number(seconds) * 1000 };
}

/**
 * Follow an address to its end.
 * @param {string} address where to begin
 * @param {{press?: string, say?: (text: string) => void}} [options] the value of the button to press
 * @returns {Promise<{url: string, status?: number, body?: string}>} where it ended: a page without a form, or an
 *   address of another scheme, which is not opened
 */
export async function follow(address, { press, say = () => {} } = {}) {
  const cookies = new Cookies();
  const deadline = Date.now() + PATIENCE;
  let next = { url: new URL(address), method: 'GET' };
  for (let step = 0; step < MOST_STEPS && Date.now() < deadline; step += 1) {
    const { url, method, body } = next;
    if (!/^https?:$/.test(url.protocol)) return { url: url.href };
    say(`${method} ${url.origin}${url.pathname}`);
    const headers = { accept: 'text/html', cookie: cookies.header(url) };
    const response = await fetch(url, { method, body, headers, redirect: 'manual' });
    cookies.take(url, response);
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location) {
      const keeps = response.status === 307 || response.status === 308;
      next = { url: new URL(location, url), method: keeps ? method : 'GET', body: keeps ? body : undefined };
      continue;
    }
    const text = await response.text();
    const later = refresh(text, url);
    if (later) {
      // A page that waits for somebody is no step forward.
      if (later.delay > 0) step -= 1;
      await new Promise((resolve) => setTimeout(resolve, later.delay));
      next = { url: later.url, method: 'GET' };
      continue;
    }
    const pressed = response.ok ? submission(text, url, press) : undefined;
    if (!pressed) return { url: url.href, status: response.status, body: text };
    next = pressed;
  }
  throw new Error(`still not there after ${MOST_STEPS} steps or ${PATIENCE / 1000} s`);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { press: { type: 'string' } },
  });
  try {
    const say = (text) => process.stderr.write(`${text}\n`);
    const end = await follow(positionals[0], { press: values.press ?? process.env.APPROVE_PRESS, say });
    // Without its query: the code in it is a secret.
    process.stdout.write(`${end.url.split('?')[0]}\n`);
    process.exit(end.status === undefined || end.status < 400 ? 0 : 1);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

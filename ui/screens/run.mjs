// Draws every screen in both themes and languages and at the smallest sizes, and lets axe look at each. Fails
// on any violation, any refused script or style, any error on the page, and on anything that stands out of
// the window.
//   npm run screens [-- NAME…]     keeps the pictures of these in out/
//   npm run screens -- --long      keeps all pictures, and axe looks at the smallest sizes too
// CHROMIUM=/path/to/chromium chooses another browser; BELLHOP_LONG=1 is --long.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { pictures } from './plan.mjs';
import { serve } from './site.mjs';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(here, 'out');
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const args = process.argv.slice(2);
const long = args.includes('--long') || process.env.BELLHOP_LONG === '1';
const only = args.filter((arg) => !arg.startsWith('--'));
const unknown = only.filter((name) => !pictures.some((picture) => picture.name === name));
if (unknown.length > 0) throw new Error(`there is no screen ${unknown.join(', ')}`);
const wanted = pictures.filter(({ name }) => only.length === 0 || only.includes(name));
const keep = long || only.length > 0;
const WAIT_MS = 15_000;
const WINDOW = { width: 960, height: 680 };
const SMALL = { width: 460, height: 600 };
const LEAST = { width: 640, height: 480 };
// 200 % zoom of the smallest window.
const ZOOMED = { width: 320, height: 240 };

if (only.length === 0) await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  root: here,
  mode: 'preview',
  logLevel: 'error',
  build: { outDir: join(out, 'site'), emptyOutDir: true },
});
const site = await serve(join(out, 'site'));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // As root, as in a container, chromium starts only without its sandbox.
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});

/** What a page is looked at in, one after the other: it is drawn once and must follow the person's settings. */
function looks({ small }, locale) {
  const size = small ? SMALL : WINDOW;
  const all = [
    { name: `light-${locale}`, colorScheme: 'light', size, axe: true },
    { name: `dark-${locale}`, colorScheme: 'dark', size, axe: true },
  ];
  // German is the longer of the two.
  if (locale === 'de') {
    all.push(
      { name: `least-${locale}`, colorScheme: 'light', size: LEAST, axe: long },
      { name: `zoomed-${locale}`, colorScheme: 'dark', size: ZOOMED, axe: long },
    );
  }
  return all;
}

let well = 0;
let bad = 0;
function tell(file, wrong) {
  if (wrong.length === 0) {
    well += 1;
  } else {
    bad += 1;
    process.stdout.write(`✗ ${file}\n${[...new Set(wrong)].map((line) => `    ${line}\n`).join('')}`);
  }
}

/** What is wrong with the page as it is. */
async function faults(page, look) {
  const wrong = [];
  const overflow = await page.evaluate(async () => {
    // What hangs at a button finds its place after the window has its new size.
    for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
    return document.documentElement.scrollWidth - document.documentElement.clientWidth;
  });
  if (overflow > 0) wrong.push(`stands ${overflow} px out of the window`);
  if (!look.axe) return wrong;
  const violations = await page.evaluate(
    async () => (await globalThis.axe.run({ resultTypes: ['violations'] })).violations,
  );
  for (const violation of violations) {
    for (const node of violation.nodes)
      wrong.push(`${violation.id}: ${node.target.join(' ')} (${node.failureSummary?.split('\n')[1]?.trim()})`);
  }
  return wrong;
}

/** Draws one screen in one language and looks at it in each way. */
async function draw(context, picture, locale) {
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  let wrong = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') wrong.push(`console: ${message.text()}`);
  });
  let drawn = false;
  for (const look of looks(picture, locale)) {
    const file = `${picture.name}-${look.name}`;
    try {
      await page.setViewportSize(look.size);
      await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: 'reduce' });
      if (!drawn) {
        await page.goto(`${site.address}/?scene=${picture.scene}`);
        await page.waitForSelector('h1:not(.sr-only)');
        await picture.act?.(page);
        await page.evaluate(axe);
        drawn = true;
      }
      wrong.push(...(await faults(page, look)));
    } catch (error) {
      wrong.push(String(error).split('\n').slice(0, 3).join(' '));
    }
    if (keep) await page.screenshot({ path: join(out, `${file}.png`) });
    tell(file, wrong);
    wrong = [];
    if (!drawn) break;
  }
  await page.close();
}

const jobs = [];
for (const locale of ['en', 'de']) {
  const context = await browser.newContext({ locale });
  await context.addInitScript(() => {
    // The window process freezes it too, so that no script can change what all others stand on.
    Object.freeze(Object.prototype);
    // A window that closes itself can't be looked at.
    globalThis.close = () => {};
  });
  for (const picture of wanted) jobs.push(() => draw(context, picture, locale));
}
const since = performance.now();
const work = async () => {
  for (let job = jobs.shift(); job; job = jobs.shift()) await job();
};
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));

await browser.close();
site.stop();
const seconds = ((performance.now() - since) / 1000).toFixed(0);
if (keep) process.stdout.write('The pictures are in ui/out\n');
// As vitest says it: the suite adds it up.
process.stdout.write(`Tests  ${bad} failed | ${well} passed (${bad + well}) in ${seconds} s\n`);
process.exitCode = bad > 0 ? 1 : 0;

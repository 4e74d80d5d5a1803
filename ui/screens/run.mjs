// Draws every screen in both themes and languages and at the smallest size, lets axe look at each, and keeps
// the pictures in out/. Fails on any violation, any refused script or style, any error on the page, and on
// anything that stands out of the window.
//   npm run screens [-- NAME…]     CHROMIUM=/path/to/chromium chooses another browser
import { mkdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { pictures } from './plan.mjs';
import { serve } from './site.mjs';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(here, 'out');
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const only = process.argv.slice(2);
const wanted = pictures.filter(({ name }) => only.length === 0 || only.includes(name));
const themes = ['light', 'dark'];
const languages = ['en', 'de'];
const WINDOW = { width: 960, height: 680 };
const SMALL = { width: 460, height: 600 };
const LEAST = { width: 640, height: 480 };
// 200 % zoom of the smallest window.
const ZOOMED = { width: 320, height: 240 };

if (only.length === 0) await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({ root: here, mode: 'preview', logLevel: 'warn', build: { outDir: join(out, 'site'), emptyOutDir: true } });
const site = await serve(join(out, 'site'));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // As root, as in a container, chromium starts only without its sandbox.
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});

/** Takes one picture and returns what is wrong with it. */
async function take(context, viewport, picture, file) {
  const page = await context.newPage();
  await page.setViewportSize(viewport);
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') wrong.push(`console: ${message.text()}`);
  });
  try {
    await page.goto(`${site.address}/?scene=${picture.scene}`);
    await page.waitForSelector('h1:not(.sr-only)', { timeout: 5000 });
    page.setDefaultTimeout(5000);
    await picture.act?.(page);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (overflow > 0) wrong.push(`stands ${overflow} px out of the window`);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    for (const violation of violations) {
      for (const node of violation.nodes)
        wrong.push(`${violation.id}: ${node.target.join(' ')} (${node.failureSummary?.split('\n')[1]?.trim()})`);
    }
  } catch (error) {
    wrong.push(String(error).split('\n').slice(0, 3).join(' '));
  }
  await page.screenshot({ path: join(out, `${file}.png`) });
  await page.close();
  return wrong;
}

let taken = 0;
let bad = 0;
async function round(name, options, choose) {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  // The window process freezes it too, so that no script can change what all others stand on.
  await context.addInitScript(() => Object.freeze(Object.prototype));
  for (const picture of wanted) {
    const viewport = choose(picture);
    if (!viewport) continue;
    const file = `${picture.name}-${name}`;
    const wrong = await take(context, viewport, picture, file);
    taken += 1;
    if (wrong.length > 0) {
      bad += 1;
      process.stdout.write(`✗ ${file}\n${[...new Set(wrong)].map((line) => `    ${line}\n`).join('')}`);
    }
  }
  await context.close();
}

for (const colorScheme of themes) {
  for (const locale of languages) {
    await round(`${colorScheme}-${locale}`, { colorScheme, locale }, ({ small }) => (small ? SMALL : WINDOW));
  }
}
await round('least-de', { colorScheme: 'light', locale: 'de' }, () => LEAST);
await round('zoomed-de', { colorScheme: 'dark', locale: 'de' }, () => ZOOMED);

await browser.close();
site.stop();
process.stdout.write(`${taken} pictures in ui/out, ${bad} with something wrong\n`);
process.exitCode = bad > 0 ? 1 : 0;

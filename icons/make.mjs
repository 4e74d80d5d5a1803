// Makes every generated icon from src/. Needs rsvg-convert (Debian: librsvg2-bin) and nothing else:
//   node icons/make.mjs
// The results are committed, so that a build needs no renderer.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** Draws a source at a size and gives the PNG's bytes. */
function draw(source, size, style) {
  const options = ['--width', size, '--height', size];
  if (style) options.push('--stylesheet', join(here, 'src', style));
  return execFileSync('rsvg-convert', [...options, join(here, 'src', source)]);
}

/** The app icon at a size; up to 48 px the simpler drawing holds better. */
const app = (size) => draw(size <= 48 ? 'app-small.svg' : 'app.svg', size);

/** A Windows icon: a directory of 16 bytes an image, then the PNGs. */
function ico(sizes) {
  const images = sizes.map((size) => ({ size, png: app(size) }));
  const head = Buffer.alloc(6 + 16 * images.length);
  head.writeUInt16LE(1, 2); // an icon, not a cursor
  head.writeUInt16LE(images.length, 4);
  let offset = head.length;
  images.forEach(({ size, png }, index) => {
    const at = 6 + 16 * index;
    head.writeUInt8(size % 256, at); // 256 is written as 0
    head.writeUInt8(size % 256, at + 1);
    head.writeUInt16LE(1, at + 4); // planes
    head.writeUInt16LE(32, at + 6); // bits a pixel
    head.writeUInt32LE(png.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += png.length;
  });
  return Buffer.concat([head, ...images.map(({ png }) => png)]);
}

/** A macOS icon: `icns`, the whole length, then a type, a length and a PNG each. */
function icns(types) {
  const parts = types.map(([type, size]) => {
    const png = app(size);
    const head = Buffer.alloc(8);
    head.write(type, 0, 'ascii');
    head.writeUInt32BE(png.length + 8, 4);
    return Buffer.concat([head, png]);
  });
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.write('icns', 0, 'ascii');
  head.writeUInt32BE(body.length + 8, 4);
  return Buffer.concat([head, body]);
}

const write = (name, bytes) => writeFileSync(join(here, name), bytes);

write('32x32.png', app(32));
write('128x128.png', app(128));
write('128x128@2x.png', app(256));
write('icon.png', app(512));
// Windows and the build read the first entry when they want only one.
write('icon.ico', ico([32, 16, 24, 48, 64, 256]));
write(
  'icon.icns',
  icns([
    ['icp4', 16],
    ['icp5', 32],
    ['ic11', 32],
    ['ic12', 64],
    ['ic07', 128],
    ['ic08', 256],
    ['ic13', 256],
    ['ic09', 512],
    ['ic14', 512],
  ]),
);

mkdirSync(join(here, 'tray'), { recursive: true });
for (const state of ['well', 'needs-you', 'paused', 'busy']) {
  for (const bar of ['light', 'dark', 'any', 'template']) {
    write(`tray/${state}-${bar}.png`, draw(`tray-${state}.svg`, 44, `tray-${bar}.css`));
    write(`tray/${state}-${bar}-22.png`, draw(`tray-${state}.svg`, 22, `tray-${bar}.css`));
  }
}

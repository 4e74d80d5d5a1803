import encodeQR from 'qr';

/** A picture that a phone's camera reads: its side in modules, with the quiet zone, and the dark ones as an SVG path. */
export interface Picture {
  side: number;
  path: string;
}

/** The quiet zone around a code (ISO/IEC 18004). */
const QUIET = 4;

/** Draws `text` as a QR code; `null` when it is too long for one. */
export function drawCode(text: string): Picture | null {
  let rows: boolean[][];
  try {
    rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET });
  } catch {
    return null;
  }
  const path = rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join('');
  return { side: rows.length, path };
}

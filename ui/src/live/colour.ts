/** How bright `#rrggbb` is to the eye, 0 to 1 (WCAG's relative luminance); `null` when it is no such colour. */
function luminance(colour: string): number | null {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return null;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Which letters can be read best on a tile of this colour; `null` when it is no colour. */
export function lettersOn(colour: string): 'white' | 'black' | null {
  const light = luminance(colour);
  if (light === null) return null;
  return 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? 'white' : 'black';
}

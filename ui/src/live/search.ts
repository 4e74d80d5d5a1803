import type { CatalogueView } from '../control/CatalogueView';

/** Without capitals and accents, so that a search finds what was meant. */
function plain(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase();
}

/** The tiles in which every word of `typed` occurs, in the order they came. `about` is what stands on a tile. */
export function find(
  tiles: readonly CatalogueView[],
  typed: string,
  about: (tile: CatalogueView) => string,
): CatalogueView[] {
  const asked = plain(typed).split(/\s+/).filter(Boolean);
  return tiles.filter((tile) => {
    const text = plain([tile.title, tile.id, tile.full_name, about(tile), ...tile.keywords].join(' '));
    return asked.every((word) => text.includes(word));
  });
}

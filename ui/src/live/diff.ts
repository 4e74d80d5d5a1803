/** A line of a change as it is shown; `gap` stands for lines that were left out. */
export type DiffLine = { kind: 'same' | 'added' | 'removed'; text: string } | { kind: 'gap' };

/** Reads a unified diff. File headers are dropped, since the file's name stands above it. */
export function readDiff(diff: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let inHunk = false;
  for (const line of diff.split('\n')) {
    if (line.startsWith('@@')) {
      if (inHunk) lines.push({ kind: 'gap' });
      inHunk = true;
    } else if (inHunk) {
      if (line.startsWith('+')) lines.push({ kind: 'added', text: line.slice(1) });
      else if (line.startsWith('-')) lines.push({ kind: 'removed', text: line.slice(1) });
      else if (line.startsWith(' ')) lines.push({ kind: 'same', text: line.slice(1) });
      // "\ No newline at end of file" and the empty end of the text say nothing to a person.
    }
  }
  return lines;
}

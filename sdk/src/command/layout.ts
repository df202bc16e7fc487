/** Text in columns that fit a terminal. Widths count UTF-16 units: what commands print is plain. */

/** Breaks at spaces; a line break in the text stays one. A word longer than the width stands alone. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    return [...lines, line];
  });
}

const indent = 2;
const gap = 2;
const usualWidestTerm = 28;

/** Terms on the left, their meaning wrapped on the right; a long term has a line to itself. */
export function definitionList(
  rows: readonly (readonly [term: string, meaning: string])[],
  width: number,
  // Half of a narrow terminal stays for the meanings.
  widestTerm = Math.min(usualWidestTerm, Math.floor(width / 2) - indent - gap),
): string[] {
  const widths = rows.map(([term]) => term.length).filter((length) => length <= widestTerm);
  const column = indent + Math.max(0, ...widths) + gap;
  const margin = ' '.repeat(column);
  return rows.flatMap(([term, meaning]) => {
    const [first = '', ...rest] = wrap(meaning, Math.max(20, width - column));
    const head = ' '.repeat(indent) + term;
    const continued = rest.map((line) => margin + line);
    if (indent + term.length + gap > column) return [head, margin + first, ...continued];
    return [`${head}${' '.repeat(column - indent - term.length)}${first}`.trimEnd(), ...continued];
  });
}

// A little of Markdown, as elements and never as HTML: what a model says is a stranger's text.

const inline = /(`[^`\n]+`|\*\*[^*\n]+\*\*|\*[^*\n]+\*)/;

function appendInline(parent, text) {
  for (const piece of text.split(inline)) {
    if (piece === '') continue;
    const [kind, inner] = kindOf(piece);
    if (kind === undefined) parent.append(piece);
    else {
      const element = document.createElement(kind);
      element.textContent = inner;
      parent.append(element);
    }
  }
}

function kindOf(piece) {
  if (piece.length > 2 && piece.startsWith('`') && piece.endsWith('`')) return ['code', piece.slice(1, -1)];
  if (piece.length > 4 && piece.startsWith('**') && piece.endsWith('**')) return ['strong', piece.slice(2, -2)];
  if (piece.length > 2 && piece.startsWith('*') && piece.endsWith('*')) return ['em', piece.slice(1, -1)];
  return [undefined, piece];
}

/** Shows a text in an element: paragraphs, headings, lists and code. */
export function show(element, text) {
  const blocks = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; ) {
    const line = lines[index];
    if (line.startsWith('```')) {
      const end = lines.findIndex((one, at) => at > index && one.startsWith('```'));
      const code = document.createElement('pre');
      code.textContent = lines.slice(index + 1, end < 0 ? undefined : end).join('\n');
      blocks.push(code);
      index = end < 0 ? lines.length : end + 1;
      continue;
    }
    const item = /^\s*(?:[-*]|(\d+)\.)\s+(.*)$/.exec(line);
    if (item) {
      const list = document.createElement(item[1] === undefined ? 'ul' : 'ol');
      for (let next = item; next; next = /^\s*(?:[-*]|(\d+)\.)\s+(.*)$/.exec(lines[index] ?? '')) {
        const entry = document.createElement('li');
        appendInline(entry, next[2]);
        list.append(entry);
        index += 1;
      }
      blocks.push(list);
      continue;
    }
    index += 1;
    if (line.trim() === '') continue;
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const block = document.createElement(heading ? 'h3' : 'p');
    appendInline(block, heading ? heading[2] : line);
    blocks.push(block);
  }
  element.replaceChildren(...blocks);
}

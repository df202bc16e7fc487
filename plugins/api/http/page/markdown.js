// Markdown as elements and never as HTML: what a model says is a stranger's text. `marked` only takes it apart.

import { copyButton, element } from './elements.js';
import { lexer } from './marked.js';

const safeLink = /^(?:https?:|mailto:)/i;

function inlines(tokens) {
  return tokens.flatMap((token) => {
    switch (token.type) {
      case 'strong':
      case 'em':
      case 'del':
        return element(token.type, {}, ...inlines(token.tokens));
      case 'codespan':
        return element('code', {}, token.text);
      case 'br':
        return element('br');
      case 'link':
        return link(token);
      case 'image':
        // Pictures would be fetched from others.
        return link({ ...token, tokens: [{ type: 'text', text: token.text || token.href }] });
      case 'checkbox':
        return checkbox(token);
      case 'escape':
      case 'text':
        return token.tokens ? inlines(token.tokens) : plain(token.text);
      default:
        return token.raw;
    }
  });
}

const checkbox = ({ checked }) => (checked ? '☑ ' : '☐ ');

/** The lexer leaves character references as they are written; a parser that cannot run anything reads them. */
function plain(text) {
  if (!text.includes('&')) return text;
  const references = /&(?:#\d{1,7}|#x[\da-f]{1,6}|amp|lt|gt|quot|apos|nbsp);/gi;
  return text.replace(references, (reference) => {
    const name = reference.slice(1, -1).toLowerCase();
    const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }[name];
    if (named !== undefined) return named;
    const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : reference;
  });
}

function link({ href, tokens, raw }) {
  if (!safeLink.test(href)) return raw;
  return element('a', { href, target: '_blank', rel: 'noopener noreferrer' }, ...inlines(tokens));
}

function block(token) {
  switch (token.type) {
    case 'space':
    case 'def':
      return [];
    case 'heading':
      // The page has headings of its own above these.
      return [element(`h${Math.min(6, token.depth + 2)}`, {}, ...inlines(token.tokens))];
    case 'paragraph':
      return [element('p', {}, ...inlines(token.tokens))];
    case 'text':
      return [element('span', {}, ...inlines(token.tokens ?? [token]))];
    case 'blockquote':
      return [element('blockquote', {}, ...blocks(token.tokens))];
    case 'checkbox':
      return [element('span', {}, checkbox(token))];
    case 'hr':
      return [element('hr')];
    case 'list':
      return [list(token)];
    case 'table':
      return [table(token)];
    case 'code':
      return [code(token)];
    default:
      return [element('p', {}, token.raw)];
  }
}

const blocks = (tokens) => tokens.flatMap(block);

function list({ ordered, start, items }) {
  const entries = items.map((item) => element('li', {}, ...blocks(item.tokens)));
  return ordered
    ? element('ol', { start: start === 1 ? undefined : String(start) }, ...entries)
    : element('ul', {}, ...entries);
}

function table({ header, rows }) {
  const row = (cells, name) =>
    element(
      'tr',
      {},
      ...cells.map(({ tokens, align }) => element(name, { class: align ?? false }, ...inlines(tokens))),
    );
  const made = element(
    'table',
    {},
    element('thead', {}, row(header, 'th')),
    element('tbody', {}, ...rows.map((cells) => row(cells, 'td'))),
  );
  return element('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Table' }, made);
}

function code({ text, lang = '' }) {
  const language = lang.split(/\s/)[0];
  return element(
    'figure',
    { class: 'code' },
    element('figcaption', {}, element('span', {}, language), copyButton(() => text) ?? ''),
    element('pre', { tabindex: '0' }, element('code', {}, text)),
  );
}

/** Shows a text in an element. What has not changed since the last time stays as it is, so that a selection stays, too. */
export function show(parent, text) {
  const tokens = lexer(text).filter(({ type }) => type !== 'space' && type !== 'def');
  const raws = tokens.map(({ raw }) => raw);
  const before = parent.shown ?? [];
  let same = 0;
  while (same < raws.length && same < before.length && raws[same] === before[same]) same += 1;
  while (parent.childNodes.length > same) parent.lastChild.remove();
  for (const token of tokens.slice(same)) parent.append(...block(token));
  parent.shown = raws;
}

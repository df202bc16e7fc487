// Elements made by hand: nothing here ever reads text as HTML.

const svgNamespace = 'http://www.w3.org/2000/svg';

export const byId = (id) => document.getElementById(id);

/** `attributes` of undefined or false are left out; functions listen for the event of that name. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svgElement(name, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNamespace, name), attributes, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') made.addEventListener(name, value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat(Number.POSITIVE_INFINITY).filter((child) => child !== undefined && child !== ''));
  return made;
}

/** Which disclosures are open, whatever is drawn anew. */
const opened = new Set();

export function disclosure(key, summary, ...children) {
  const made = element(
    'details',
    { open: opened.has(key) },
    element('summary', { 'data-key': key }, summary),
    ...children,
  );
  made.addEventListener('toggle', () => (made.open ? opened.add(key) : opened.delete(key)));
  return made;
}

/**
 * Makes the children of an element like the new ones. What is as it was stays: a click, the keyboard's focus and a selection
 * are not lost because a number beside them changed.
 */
export function replace(parent, ...children) {
  const made = children.flat(Number.POSITIVE_INFINITY).filter((child) => child !== undefined);
  for (const [index, child] of made.entries()) {
    const before = parent.childNodes[index];
    if (before === undefined) parent.append(child);
    else become(before, child);
  }
  while (parent.childNodes.length > made.length) parent.lastChild.remove();
}

const keyOf = ({ dataset }) => dataset?.node ?? dataset?.instance ?? dataset?.key;

function become(before, after) {
  if (before.isEqualNode(after)) return;
  // Listeners are not copied, but belong to what the key names.
  const isSame = before.nodeName === after.nodeName && keyOf(before) === keyOf(after) && before.nodeType === 1;
  if (!isSame) {
    before.replaceWith(after);
    return;
  }
  for (const { name } of [...before.attributes]) if (!after.hasAttribute(name)) before.removeAttribute(name);
  for (const { name, value } of after.attributes) {
    // The policy allows no style in attributes.
    if (name === 'style') before.style.cssText = after.style.cssText;
    else if (before.getAttribute(name) !== value) before.setAttribute(name, value);
  }
  replace(before, ...after.childNodes);
}

/** A button that copies a text; nothing where the browser does not let pages copy. */
export function copyButton(text, label = 'Copy') {
  if (!navigator.clipboard) return undefined;
  const button = element('button', { type: 'button', class: 'quiet' }, label);
  button.addEventListener('click', async () => {
    const said = await navigator.clipboard.writeText(text()).then(
      () => 'Copied',
      () => 'Not allowed',
    );
    button.textContent = said;
    setTimeout(() => {
      button.textContent = label;
    }, 1500);
  });
  return button;
}

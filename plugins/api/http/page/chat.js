// A conversation with a model: answers as they come, and how fast.
import { call, eventsOf } from './connection.js';
import { byId, copyButton, element } from './elements.js';
import { milliseconds, plural, tokensPerSecond } from './format.js';
import { show } from './markdown.js';

/** Who is nearer to the end than this reads along. */
const nearPixels = 80;
const tallestPromptPixels = 200;

let conversation = [];
let running;

const scroller = () => byId('conversation');
const isAtEnd = () => {
  const { scrollHeight, scrollTop, clientHeight } = scroller();
  return scrollHeight - scrollTop - clientHeight < nearPixels;
};
const toEnd = () => {
  scroller().scrollTop = scroller().scrollHeight;
};

/** Changes what is shown, and stays at the end where the reader was there. */
function keepingEnd(change) {
  const follows = isAtEnd();
  change();
  if (follows) toEnd();
}

function addMessage(kind, ...children) {
  const item = element('li', { class: kind }, ...children);
  byId('messages').append(item);
  byId('welcome').hidden = true;
  return item;
}

function setRunning(controller) {
  running = controller;
  byId('send').hidden = controller !== undefined;
  byId('stop').hidden = controller === undefined;
  byId('messages').setAttribute('aria-busy', String(controller !== undefined));
}

/** One answer on the page. Tokens may come faster than pictures: it is drawn once for each picture. */
class Answer {
  text = '';
  thoughts = '';
  tokens = 0;
  finishReason;
  #startedAt = performance.now();
  #firstAt;
  #lastAt;
  #frame;
  #item = addMessage('assistant waiting');
  #body = element('div', { class: 'text' });
  #meta = element('p', { class: 'meta' });
  #thought;

  constructor() {
    this.#item.append(this.#body, this.#meta);
  }

  add({ delta = {}, finish_reason: reason }) {
    this.finishReason = reason ?? this.finishReason;
    if (!delta.content && !delta.reasoning_content) return;
    this.#lastAt = performance.now();
    this.#firstAt ??= this.#lastAt;
    this.tokens += 1;
    this.text += delta.content ?? '';
    this.thoughts += delta.reasoning_content ?? '';
    this.#frame ??= requestAnimationFrame(() => this.#draw());
  }

  /** `how`: said after the numbers, where it did not end by itself. */
  end(usage, how) {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.tokens = usage?.completion_tokens ?? this.tokens;
    keepingEnd(() => {
      this.#draw();
      this.#item.classList.remove('waiting');
      if (how !== undefined) this.#meta.append(` · ${how}`);
      if (this.text !== '') this.#meta.append(' ', copyButton(() => this.text) ?? '');
    });
  }

  remove() {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#item.remove();
  }

  get isEmpty() {
    return this.text === '' && this.thoughts === '';
  }

  #draw() {
    this.#frame = undefined;
    keepingEnd(() => {
      if (this.thoughts !== '') this.#drawThoughts();
      show(this.#body, this.text);
      this.#meta.textContent = this.#numbers();
      if (this.text !== '') this.#item.classList.remove('waiting');
    });
  }

  #drawThoughts() {
    if (this.#thought === undefined) {
      this.#thought = element('div', { class: 'text' });
      const details = element(
        'details',
        { class: 'thought', open: true },
        element('summary', {}, 'Thoughts'),
        this.#thought,
      );
      this.#body.before(details);
    }
    show(this.#thought, this.thoughts);
  }

  #numbers() {
    if (this.#firstAt === undefined) return '';
    const seconds = (this.#lastAt - this.#firstAt) / 1000;
    const parts = [plural(this.tokens, 'token')];
    if (this.tokens > 1 && seconds > 0) parts.push(tokensPerSecond((this.tokens - 1) / seconds));
    parts.push(`first after ${milliseconds(this.#firstAt - this.#startedAt)}`);
    return parts.join(' · ');
  }
}

function requestBody() {
  const system = byId('system').value.trim();
  const temperature = byId('temperature').valueAsNumber;
  const longest = byId('longest').valueAsNumber;
  return {
    model: byId('model').value,
    messages: [...(system === '' ? [] : [{ role: 'system', content: system }]), ...conversation],
    stream: true,
    stream_options: { include_usage: true },
    ...(Number.isFinite(temperature) ? { temperature } : {}),
    ...(Number.isFinite(longest) ? { max_completion_tokens: longest } : {}),
  };
}

async function ask(prompt) {
  conversation.push({ role: 'user', content: prompt });
  const question = addMessage('user', element('div', { class: 'text' }, prompt));
  const controller = new AbortController();
  setRunning(controller);
  const answer = new Answer();
  toEnd();
  let usage;
  let failure;
  try {
    const response = await call('v1/chat/completions', { body: requestBody(), signal: controller.signal });
    for await (const chunk of eventsOf(response)) {
      if (chunk.error) throw new Error(chunk.error.message);
      usage = chunk.usage ?? usage;
      if (chunk.choices[0]) answer.add(chunk.choices[0]);
    }
    if (answer.finishReason === undefined) failure = new Error('The connection ended before the answer did.');
  } catch (error) {
    if (!controller.signal.aborted) failure = error;
  }
  // A new conversation may have begun meanwhile.
  if (running !== controller) return;
  setRunning(undefined);
  if (controller.signal.aborted) answer.end(usage, 'stopped');
  else if (failure) answer.end(usage, 'broken off');
  else answer.end(usage, answer.finishReason === 'length' ? 'cut at its longest' : undefined);
  if (answer.text !== '') conversation.push({ role: 'assistant', content: answer.text });
  else conversation.pop();
  if (failure) addProblem(failure.message, prompt, answer.text === '' ? [question, answer] : []);
}

/** What went wrong, and another try where nothing was said yet. */
function addProblem(message, prompt, leftovers) {
  if (leftovers.at(-1)?.isEmpty) leftovers.at(-1).remove();
  const problem = addMessage('problem', element('p', {}, message));
  problem.setAttribute('role', 'alert');
  if (leftovers.length > 0) {
    const again = () => {
      for (const one of [...leftovers, problem]) one.remove();
      void ask(prompt);
    };
    problem.append(element('button', { type: 'button', click: again }, 'Try again'));
  }
  toEnd();
}

function growPrompt() {
  const prompt = byId('prompt');
  prompt.style.height = 'auto';
  const border = prompt.offsetHeight - prompt.clientHeight;
  prompt.style.height = `${Math.min(tallestPromptPixels, prompt.scrollHeight + border)}px`;
}

function beginAnew() {
  running?.abort();
  setRunning(undefined);
  conversation = [];
  byId('messages').replaceChildren();
  byId('welcome').hidden = false;
  byId('prompt').focus();
}

/** Ends on Enter; a line is broken with Shift, and a word of another script is completed. */
function sendOnEnter(event) {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId('ask').requestSubmit();
}

export function startChat() {
  byId('ask').addEventListener('submit', (event) => {
    event.preventDefault();
    const prompt = byId('prompt').value.trim();
    if (prompt === '' || running || byId('model').value === '') return;
    byId('prompt').value = '';
    growPrompt();
    void ask(prompt);
  });
  byId('prompt').addEventListener('keydown', sendOnEnter);
  byId('prompt').addEventListener('input', growPrompt);
  byId('stop').addEventListener('click', () => {
    running?.abort();
    byId('prompt').focus();
  });
  byId('clear').addEventListener('click', beginAnew);
  byId('latest').addEventListener('click', toEnd);
  scroller().addEventListener('scroll', () => {
    byId('latest').hidden = isAtEnd();
  });
  document.addEventListener('click', ({ target }) => {
    if (!byId('options').contains(target)) byId('options').open = false;
  });
}

/** `models`: names of what serves, with where each of them runs. */
export function offerModels(models) {
  const select = byId('model');
  const chosen = select.value;
  const names = models.map(({ name }) => name);
  const offered = names.length > 0 ? names : [''];
  if (JSON.stringify(offered) !== JSON.stringify([...select.options].map(({ value }) => value))) {
    const option = (name) => new Option(name || 'No model is loaded', name, false, name === chosen);
    select.replaceChildren(...offered.map(option));
  }
  select.disabled = names.length === 0;
  byId('send').disabled = names.length === 0;
  const place = models.find(({ name }) => name === select.value)?.place;
  byId('welcome-text').textContent =
    place === undefined
      ? 'No model is loaded yet. Load one under “Models”, or with “shoal load”.'
      : `${select.value} runs on ${place}. What you write stays on these machines.`;
}

// Chat with a model of the cluster, and a picture of the cluster that keeps itself current.
import { show } from './markdown.js';

const byId = (id) => document.getElementById(id);
const keyName = 'shoal-api-key';
let key = sessionStorage.getItem(keyName) ?? '';
let conversation = [];
let running;

const headers = () => (key === '' ? {} : { authorization: `Bearer ${key}` });

async function call(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { ...headers(), ...options.headers } });
  if (response.status === 401) byId('access').hidden = false;
  if (!response.ok) {
    const said = await response.json().catch(() => undefined);
    throw new Error(said?.error?.message ?? `status ${response.status}`);
  }
  return response;
}

/** The data of server-sent events, as they come. */
async function* eventsOf(response) {
  let pending = '';
  const decoder = new TextDecoder();
  for (let reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    pending += decoder.decode(value, { stream: true });
    const events = pending.split('\n\n');
    pending = events.pop();
    for (const event of events) {
      const data = event
        .split('\n')
        .filter((line) => line.startsWith('data: '))
        .map((line) => line.slice(6))
        .join('\n');
      if (data !== '' && data !== '[DONE]') yield JSON.parse(data);
    }
  }
}

function addMessage(kind, text = '') {
  const item = document.createElement('li');
  item.className = kind;
  item.textContent = text;
  byId('messages').append(item);
  item.scrollIntoView({ block: 'end' });
  return item;
}

const notice = (text) => {
  byId('notice').textContent = text;
};

function setRunning(controller) {
  running = controller;
  byId('send').hidden = controller !== undefined;
  byId('stop').hidden = controller === undefined;
}

async function ask(prompt) {
  conversation.push({ role: 'user', content: prompt });
  addMessage('user', prompt);
  notice('');
  const controller = new AbortController();
  setRunning(controller);
  let thought;
  let item;
  let said = '';
  let tokens = 0;
  let firstAt;
  try {
    const body = { model: byId('model').value, messages: conversation, stream: true };
    const response = await call('v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: controller.signal,
    });
    for await (const chunk of eventsOf(response)) {
      if (chunk.error) throw new Error(chunk.error.message);
      const delta = chunk.choices?.[0]?.delta ?? {};
      if (delta.reasoning_content) {
        thought ??= addMessage('thought');
        thought.textContent += delta.reasoning_content;
      }
      if (!delta.content) continue;
      item ??= addMessage('assistant');
      firstAt ??= performance.now();
      tokens += 1;
      said += delta.content;
      show(item, said);
      item.scrollIntoView({ block: 'end' });
    }
  } catch (error) {
    if (!controller.signal.aborted) notice(error.message);
  } finally {
    setRunning(undefined);
  }
  if (said === '') return;
  conversation.push({ role: 'assistant', content: said });
  const seconds = (performance.now() - firstAt) / 1000;
  if (tokens > 1 && seconds > 0) addMessage('speed', `${((tokens - 1) / seconds).toFixed(1)} tokens/s`);
}

const gigabytes = (bytes) => (Number.isFinite(bytes) ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : 'unknown');

function entry(title, ...lines) {
  const item = document.createElement('li');
  item.textContent = title;
  for (const line of lines.filter(Boolean)) {
    const small = document.createElement('small');
    small.textContent = line;
    item.append(small);
  }
  return item;
}

function showNodes(nodes, instances) {
  const shares = (nodeId) =>
    instances.flatMap(({ plan }) =>
      plan.stages.flatMap(({ layers, members }) =>
        members
          .filter((member) => member.nodeId === nodeId)
          .map(
            ({ share, weightBytes }) =>
              `${plan.modelName}: layers ${layers[0]}–${layers[1] - 1}` +
              `${share < 1 ? `, ${Math.round(share * 100)} %` : ''}, ${gigabytes(weightBytes)}`,
          ),
      ),
    );
  byId('nodes').replaceChildren(
    ...nodes.map(({ nodeId, nodeName, state, message }) =>
      entry(nodeName || 'a node', state === 'self' ? 'this node' : state, message, ...shares(nodeId)),
    ),
  );
}

function showInstances(instances) {
  byId('instances').replaceChildren(
    ...instances.map(({ instance, state, plan, failure }) =>
      entry(
        plan.modelName,
        `${state}, ${plan.stages.length} stages, ${plan.slotCount} slots of ${plan.contextLength} tokens, ${instance}`,
        failure?.message,
        ...plan.reasons,
        ...plan.leftOut.map(({ nodeName, deviceId, reason }) => `left out: ${deviceId} on ${nodeName}: ${reason}`),
      ),
    ),
  );
  const names = [...new Set(instances.filter(({ state }) => state === 'ready').map(({ plan }) => plan.modelName))];
  const chosen = byId('model').value;
  byId('model').replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
}

function showLinks(topology, nodes) {
  const nameOf = (nodeId) => nodes.find((node) => node.nodeId === nodeId)?.nodeName ?? nodeId;
  const links = topology?.links ?? [];
  const milliseconds = (microseconds) => `${(microseconds / 1000).toFixed(2)} ms`;
  byId('links').replaceChildren(
    ...links.map(({ from, to, kind, latencyMicroseconds: { value, unknown } }) =>
      entry(
        `${nameOf(from.nodeId)} → ${nameOf(to.nodeId)}`,
        `${kind}, ${value === undefined ? `latency unknown: ${unknown}` : milliseconds(value)}`,
      ),
    ),
  );
}

async function refresh() {
  const { nodes, instances } = await (await call('cluster')).json();
  byId('access').hidden = true;
  showNodes(nodes, instances);
  showInstances(instances);
  const topology = await call('cluster/topology').then(
    (response) => response.json(),
    () => undefined,
  );
  showLinks(topology, nodes);
}

/** Follows events; what happens makes the picture new. */
async function follow() {
  for (;;) {
    try {
      await refresh();
      for await (const _event of eventsOf(await call('cluster/events'))) await refresh();
    } catch {
      // The node is away, or wants a key.
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

byId('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  const prompt = byId('prompt').value.trim();
  if (prompt === '' || running) return;
  byId('prompt').value = '';
  void ask(prompt);
});
byId('prompt').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId('ask').requestSubmit();
});
byId('stop').addEventListener('click', () => running?.abort());
byId('clear').addEventListener('click', () => {
  running?.abort();
  conversation = [];
  byId('messages').replaceChildren();
  notice('');
});
byId('access').addEventListener('submit', (event) => {
  event.preventDefault();
  key = byId('key').value;
  sessionStorage.setItem(keyName, key);
  void refresh().catch((error) => notice(error.message));
});
void follow();

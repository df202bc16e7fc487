// The cluster over HTTP: what it is, plans, loads, events, and the description of it all.
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { apiNode, modelName, question } from '../support/api-cluster.js';
import { repositoryRoot } from '../support/repository.js';

t.test('the cluster', async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  const call = async (method: string, path: string, body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const sent = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`${node.url}${path}`, sent);
    const text = await response.text();
    // biome-ignore lint/suspicious/noExplicitAny: JSON of many routes
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as any };
  };

  const listening = new AbortController();
  const events = await fetch(`${node.url}/cluster/events`, { signal: listening.signal });
  t.match(events.headers.get('content-type'), /^text\/event-stream/);
  const heard = (async () => {
    let text = '';
    for await (const chunk of events.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('event: instance-unloaded')) break;
    }
    return text;
  })();

  const explained = await call('POST', '/cluster/explain', { model: modelName });
  t.equal(explained.status, 200);
  t.ok(explained.body.outcome.plan, explained.body.text);
  const forced = await call('POST', '/cluster/explain', { model: modelName, plan: 'pp=9' });
  t.match(forced.body.outcome.refusal, { code: /^PLAN_/ });
  const like = node.cluster.nodeName;
  const more = await call('POST', '/cluster/explain', {
    model: modelName,
    plan: 'pp=2',
    added: [{ like, name: 'more' }],
  });
  t.match(more.body.outcome.plan, { stages: [{}, {}] }, more.body.text);
  const none = await call('POST', '/cluster/explain', { model: modelName, without: [like] });
  t.match(none.body.outcome.refusal, { code: 'PLAN_NO_DEVICES' });
  t.equal((await call('POST', '/cluster/explain', { model: modelName, added: [{}] })).status, 400);
  for (const odd of [{ policy: '' }, { policy: 'best' }, { objective: 'none' }]) {
    const [field = ''] = Object.keys(odd);
    const refused = await call('POST', '/cluster/explain', { model: modelName, ...odd });
    t.equal(refused.status, 400, JSON.stringify(odd));
    t.match(refused.body, { error: { message: new RegExp(`${field} is .* none of`) } });
  }

  const loaded = await call('POST', '/cluster/instances', { model: modelName, contextLength: 128 });
  t.equal(loaded.status, 201);
  const { instance } = loaded.body;
  const state = await call('GET', '/cluster');
  t.match(state.body, {
    node: { nodeId: node.cluster.nodeId },
    nodes: [{ nodeId: node.cluster.nodeId, state: 'self' }],
    instances: [{ instance, state: 'ready', plan: { contextLength: 128 } }],
    state: { leader: {} },
  });
  t.match((await call('GET', '/cluster/topology')).body, { nodes: [{ nodeId: node.cluster.nodeId }] });
  t.match((await call('GET', `/cluster/instances/${instance}/statistics`)).body, [{ stage: 0, member: 0 }]);
  t.match((await call('GET', '/cluster/statistics')).body, {
    instances: [{ instance, members: [{ stage: 0, member: 0, statistics: { residentSlots: 0 } }] }],
  });
  t.match((await call('GET', '/cluster/machines')).body, {
    nodes: [{ nodeId: node.cluster.nodeId, memory: { totalBytes: {} }, devices: [{ backend: 'cpu' }] }],
  });
  t.equal((await call('DELETE', `/cluster/instances/${instance}`)).status, 204);
  t.match(await call('DELETE', `/cluster/instances/${instance}`), { status: 404, body: { error: {} } });

  t.match(await call('POST', '/cluster/instances', { model: 'none' }), {
    status: 404,
    body: { error: { message: /none/ } },
  });
  t.match(await call('POST', '/cluster/instances', { model: modelName, slots: 3 }), { status: 400 });
  t.match(await call('POST', '/cluster/instances', { model: './x' }), { status: 400 });
  // What no device can do is no failure of this side.
  const unknown = { matrix: '', embedding: '' };
  t.match(await call('POST', '/cluster/instances', { model: modelName, storage: unknown }), { status: 400 });
  t.match(await call('POST', '/cluster/instances', { model: modelName, plan: 'pp=64' }), { status: 409 });
  t.match(await call('DELETE', '/cluster/instances/nonsense'), { status: 400 });
  t.match(await heard, /event: instance-loaded\ndata: \{"kind":"instance-loaded"/);
  listening.abort();

  const { body: description } = await call('GET', '/openapi.json');
  t.match(description, { openapi: '3.1.0', info: { title: 'Shoal' } });
  for (const path of ['/v1/chat/completions', '/v1/messages', '/api/chat', '/cluster/instances']) {
    t.match(description.paths[path]?.post, {
      operationId: /^post/,
      requestBody: { content: { 'application/json': { schema: { type: 'object' } } } },
    });
  }
  t.match(description.paths['/cluster/instances/{instance}'].delete.parameters, [{ name: 'instance', in: 'path' }]);
});

t.test('a model that cannot read text says so, and takes tokens', async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  const folder = join(t.testdir({}), 'mute');
  cpSync(join(repositoryRoot, 'models', modelName), folder, { recursive: true });
  for (const file of readdirSync(folder)) if (file.startsWith('tokenizer')) rmSync(join(folder, file));
  await node.cluster.load(folder, { contextLength: 128 });
  const post = (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    return fetch(`${node.url}${path}`, { method: 'POST', headers, body: JSON.stringify({ model: folder, ...body }) });
  };
  const refused = await post('/v1/chat/completions', { messages: question });
  t.equal(refused.status, 422, 'the operator can mend it, asking again cannot');
  t.match(await refused.json(), { error: { type: 'invalid_request_error', code: 'MODEL_TOKENIZER_INVALID' } });
  const taken = await post('/v1/completions', { prompt: [1, 2, 3], max_tokens: 2 });
  t.equal(taken.status, 200);
});

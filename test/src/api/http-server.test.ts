// The server beneath the interfaces: where it listens, what it refuses, and how it ends.

import { once } from 'node:events';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import t from 'tap';
import { apiNode, modelName, question, until } from '../support/api-cluster.js';

/** As a client that says what it wants; `fetch` sets some headers by itself. */
async function ask(url: string, path: string, headers: Record<string, string> = {}, method = 'GET', body = '') {
  const asking = request(`${url}${path}`, { method, headers });
  asking.end(body);
  const [response] = (await once(asking, 'response')) as [import('node:http').IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, text };
}

const json = { 'content-type': 'application/json' };

t.test('health, readiness and metrics', async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  t.match(JSON.parse((await ask(node.url, '/healthz')).text), { status: 'ok', nodeId: node.cluster.nodeId });
  t.equal((await ask(node.url, '/readyz')).status, 503);
  await node.cluster.load(modelName);
  await until(async () => (await ask(node.url, '/readyz')).status === 200, 'readiness');
  const body = JSON.stringify({ model: modelName, messages: question });
  await ask(node.url, '/v1/chat/completions', json, 'POST', body);
  await ask(node.url, '/v1/chat/completions', json, 'POST', JSON.stringify({ model: 'typo', messages: question }));
  const { text, headers } = await ask(node.url, '/metrics');
  t.match(headers['content-type'], /^text\/plain/);
  for (const line of [
    `shoal_requests_total{model="${modelName}",outcome="completed"} 1`,
    'shoal_requests_total{model="unknown",outcome="INSTANCE_NOT_FOUND"} 1',
    `shoal_generation_tokens_total{model="${modelName}"} 12`,
    `shoal_prompt_tokens_total{model="${modelName}"} 14`,
    `shoal_time_to_first_token_seconds_count{model="${modelName}"} 1`,
    `shoal_inter_token_latency_seconds_count{model="${modelName}"} 11`,
    `shoal_num_requests_running{model="${modelName}"} 0`,
  ]) {
    t.ok(text.includes(line), line);
  }
  t.match(text, /shoal_member_wait_seconds_total\{model="shoal-tiny-chat",instance="[0-9a-f]+",stage="0",member="0"/);
  t.notMatch(text, /typo/, 'a name that nobody serves makes no row of its own');
});

t.test('what it refuses', async (t) => {
  const node = await apiNode({ maximumBodyBytes: 2048 });
  t.teardown(() => node.close());
  const post = (headers: Record<string, string>, body: string) =>
    ask(node.url, '/v1/chat/completions', headers, 'POST', body);
  t.equal((await post(json, '{')).status, 400, 'no JSON');
  t.equal((await post(json, '[]')).status, 400, 'no object');
  t.equal((await post({ 'content-type': 'text/plain' }, '{}')).status, 415, 'a form of another page');
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  t.equal((await post({ ...form, origin: 'http://evil.example' }, '{}')).status, 415, 'another form of another page');
  t.equal((await post({ ...form, 'sec-fetch-site': 'cross-site' }, '{}')).status, 415, 'one without a name');
  t.match(await post(form, `{"model": "none", "messages": ${JSON.stringify(question)}}`), { status: 404 }, 'curl -d');
  t.equal((await post(form, 'model=none')).status, 400, 'a form is no JSON');
  t.equal((await post(json, `{"model":"${'x'.repeat(4096)}"}`)).status, 413, 'too large');
  t.equal((await post(json, '{"__proto__": {"a": 1}}')).status, 400);
  t.equal((await ask(node.url, '/nothing')).status, 404);
  const warned = JSON.stringify({ model: modelName, 'Gr\u00f6\u00dfe\n\ud83d': 1, ['x'.repeat(1500)]: 1, b: 1 });
  const unknown = await ask(node.url, '/api/generate', json, 'POST', warned);
  t.equal(unknown.status, 404, 'whatever a field is called');
  t.equal((await ask(node.url, '/v1/models', { host: 'evil.example' })).status, 403, 'a name that leads here');
  t.equal((await ask(node.url, '/v1/models', { host: 'localhost:1' })).status, 200);
  const { headers } = await ask(node.url, '/v1/models', { origin: 'http://page.example' });
  t.equal(headers['access-control-allow-origin'], undefined, 'other pages may not read');

  const { port } = new URL(node.url);
  const broken = connect(Number(port), '127.0.0.1');
  broken.write('nonsense\r\n\r\n');
  const [chunk] = (await once(broken, 'data')) as [Buffer];
  t.match(chunk.toString(), /^HTTP\/1\.1 400 /);
  broken.destroy();
});

t.test('pages that may ask', async (t) => {
  const node = await apiNode({ origins: ['http://own.example'] }, { apis: { origins: ['http://page.example'] } });
  t.teardown(() => node.close());
  const origin = { origin: 'http://page.example' };
  const asked = await ask(
    node.url,
    '/v1/chat/completions',
    {
      ...origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-stainless-os',
      'access-control-request-private-network': 'true',
    },
    'OPTIONS',
  );
  t.equal(asked.status, 204);
  t.equal(asked.headers['access-control-allow-headers'], 'authorization,content-type,x-stainless-os');
  t.equal(asked.headers['access-control-allow-private-network'], 'true');
  t.equal((await ask(node.url, '/v1/models', origin)).headers['access-control-allow-origin'], origin.origin);
  const other = await ask(node.url, '/v1/models', { origin: 'http://other.example' });
  t.equal(other.headers['access-control-allow-origin'], undefined);
});

t.test('the page, which asks nobody else for anything', async (t) => {
  const node = await apiNode({ keys: ['a-good-key'] });
  t.teardown(() => node.close());
  const { status, headers, text } = await ask(node.url, '/');
  t.equal(status, 200, 'also without a key');
  t.match(headers['content-security-policy'], /default-src 'none'; script-src 'self'/);
  const named = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => `/${path}`);
  t.ok(named.length >= 3);
  const paths = new Set(named);
  for (const path of paths) {
    const file = await ask(node.url, path);
    t.equal(file.status, 200, path);
    // The parser of Markdown names pages in its comments.
    if (path === '/page/marked.js') continue;
    t.notMatch(file.text.replaceAll('http://www.w3.org/2000/svg', ''), /https?:\/\//, path);
    for (const [, name] of file.text.matchAll(/^import .* from '\.\/(.+)';$/gm)) paths.add(`/page/${name}`);
  }
  t.ok(paths.has('/page/picture.js') && paths.has('/page/marked.js'));
  t.equal((await ask(node.url, '/cluster')).status, 401, 'what it shows needs the key');
});

t.test('the description says whether a key is asked for', async (t) => {
  const open = await apiNode();
  t.teardown(() => open.close());
  t.notOk(JSON.parse((await ask(open.url, '/openapi.json')).text).security);
  // Whoever can be reached by others asks for the cluster's key without keys of its own.
  const clusterKey = 'ab'.repeat(32);
  const reached = await apiNode({ listen: '0.0.0.0' }, { clusterKey });
  t.teardown(() => reached.close());
  const url = reached.url.replace('0.0.0.0', '127.0.0.1');
  t.equal((await ask(url, '/openapi.json')).status, 401);
  const { text } = await ask(url, '/openapi.json', { authorization: `Bearer ${clusterKey}` });
  t.same(JSON.parse(text).security, [{ key: [] }]);
});

t.test('a port that is taken', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as { port: number };
  await t.rejects(apiNode({}, { apis: { port } }), { code: 'API_ADDRESS_IN_USE', details: { port } });
  const silent = await apiNode({ port });
  t.teardown(() => silent.close());
  t.match(silent.cluster.apis, [{ name: 'http', addresses: [], failure: { code: 'API_ADDRESS_IN_USE' } }]);
  const next = await apiNode({ port, nextFreePort: true });
  t.teardown(() => next.close());
  t.ok(Number(new URL(next.url).port) > port);
});

t.test('a node that closes lets answers end', async (t) => {
  const node = await apiNode();
  await node.cluster.load(modelName);
  const body = JSON.stringify({ model: modelName, messages: question, stream: true });
  const response = await fetch(`${node.url}/v1/chat/completions`, { method: 'POST', headers: json, body });
  const [text] = await Promise.all([response.text(), node.close()]);
  t.match(text, /\[DONE\]|"error"/, 'to its end, or with a reason');
  await t.rejects(fetch(`${node.url}/healthz`));
});

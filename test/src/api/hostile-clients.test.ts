// Clients that are slow, half there, too large or out of their mind: each is answered or cut off within its time, and the next
// one is served as if nothing had been.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { answer, apiNode, modelName, question, until } from '../support/api-cluster.js';

const node = await apiNode({ bodySeconds: 2, maximumBodyBytes: 65_536, maximumRequests: 4 });
t.teardown(() => node.close());
const model = await node.cluster.load(modelName);
const { port } = new URL(node.url);
const chat = JSON.stringify({ model: modelName, messages: question });
const head = (length: number | string, more = '') =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`;

/** A connection, and everything that it hears until its end. */
function open(): { readonly socket: Socket; readonly heard: Promise<string> } {
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  const heard = new Promise<string>((resolve) => {
    // A connection that is reset has ended, too.
    socket.on('error', () => resolve(text));
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(text));
  });
  return { socket, heard };
}

async function tell(...parts: readonly (string | Buffer)[]): Promise<string> {
  const { socket, heard } = open();
  for (const part of parts) socket.write(part);
  return heard;
}

async function isServed(): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${node.url}/v1/chat/completions`, { method: 'POST', headers, body: chat });
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  t.equal(choices[0]?.message.content, answer, 'the next one is served');
}

t.test('who sends nothing, or a byte now and then, is cut off', async (t) => {
  const silent = open();
  const slowHead = open();
  const slowBody = open();
  slowBody.socket.write(`${head(chat.length)}${chat.slice(0, 10)}`);
  const drip = (async () => {
    for (const byte of `GET /healthz HTTP/1.1\r\nx-slow: ${'a'.repeat(2000)}`) {
      if (!slowHead.socket.writable || slowHead.socket.destroyed) return;
      slowHead.socket.write(byte);
      slowBody.socket.write(' ');
      await setTimeout(100);
    }
  })();
  t.match(await slowHead.heard, /^HTTP\/1\.1 408 /, 'its head');
  t.match(await slowBody.heard, /^HTTP\/1\.1 408 /, 'its body');
  t.match(await silent.heard, /^(HTTP\/1\.1 408 |$)/, 'nothing at all');
  await drip;
  await isServed();
});

t.test('who leaves in the middle', async (t) => {
  const half = open();
  half.socket.end(`${head(chat.length)}${chat.slice(0, 10)}`);
  t.match(await half.heard, /^(HTTP\/1\.1 4\d\d |$)/, 'half a body, then the end');
  // As other servers do, it takes who closes his side for gone.
  const closed = open();
  closed.socket.end(`${head(chat.length)}${chat}`);
  await closed.heard;
  const gone = open();
  gone.socket.write(`${head(chat.length)}${chat.slice(0, 10)}`);
  await setTimeout(50);
  gone.socket.resetAndDestroy();

  const long = JSON.stringify({
    model: modelName,
    messages: question,
    stream: true,
    ignore_eos: true,
    temperature: 1.5,
  });
  const leaving = open();
  leaving.socket.write(`${head(long.length)}${long}`);
  await once(leaving.socket, 'data');
  leaving.socket.resetAndDestroy();
  await until(async () => (await model.statistics())[0]?.statistics.residentSlots === 0, 'a free slot');
  await isServed();
});

t.test('too much', async (t) => {
  const large = `{"model":"${'x'.repeat(100_000)}"}`;
  t.match(await tell(`${head(large.length, 'connection: close\r\n')}${large}`), /^HTTP\/1\.1 413 /);
  const chunked =
    'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n' +
    'transfer-encoding: chunked\r\n\r\n';
  const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;
  t.match(await tell(chunked, chunk, chunk, chunk, '0\r\n\r\n'), /^HTTP\/1\.1 413 /, 'in pieces of unknown number');
  t.match(await tell(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  t.match(
    await tell(`GET /${'y'.repeat(10_000)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`),
    /^HTTP\/1\.1 4\d\d /,
  );
  await isServed();
});

t.test('what is no request', async (t) => {
  const close = 'connection: close\r\n';
  for (const [what, ...parts] of [
    ['nonsense', '\0\x01\x02\r\n\r\n'],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), '\r\n\r\n'],
    ['two lengths', head(4, 'content-length: 5\r\n'), 'abcde'],
    ['a length and pieces', head(4, 'transfer-encoding: chunked\r\n'), '0\r\n\r\n'],
    ['a negative length', head(-1)],
    ['no number', head('many')],
    ['a piece that has no size', head(0).replace('content-length: 0', 'transfer-encoding: chunked'), 'zz\r\n'],
    ['a line of its own in a header', 'GET / HTTP/1.1\r\nhost: localhost\r\nx: a\rb\r\n\r\n'],
    ['not JSON', `${head(3, close)}{"a`],
    ['not UTF-8', head(12, close), Buffer.from('7b226d6f64656c223aff227d', 'hex')],
    ['nested too deeply', `${head(60_000, close)}${'['.repeat(60_000)}`],
    ['a number beyond all', `${head(41, close)}{"model": "x", "messages": [], "n": 1e999}`],
    ['a prototype', `${head(40, close)}{"__proto__": {"model": "x", "n": "yes"}}`],
    ['a method that is none', `BREW / HTTP/1.1\r\nhost: localhost\r\n${close}\r\n`],
  ] as const) {
    t.match(await tell(...parts), /^HTTP\/1\.1 4\d\d /, what);
  }
  await isServed();
});

t.test('a hundred requests in one go on one connection', async (t) => {
  const one = 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n';
  const heard = await tell(one.repeat(99), one.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
  t.equal(heard.split('HTTP/1.1 200 ').length - 1, 100);
});

t.test('more requests than there may be at once', async (t) => {
  const body = JSON.stringify({
    model: modelName,
    messages: question,
    stream: true,
    ignore_eos: true,
    max_tokens: 128,
  });
  const ask = () =>
    fetch(`${node.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const responses = await Promise.all(Array.from({ length: 24 }, ask));
  const refused = responses.filter(({ status }) => status === 429);
  t.ok(refused.length > 0, `${refused.length} are refused`);
  t.ok(
    responses.some(({ status }) => status === 200),
    'others are served',
  );
  t.ok(
    refused.every(({ headers }) => Number(headers.get('retry-after')) > 0),
    'and told when to come back',
  );
  const texts = await Promise.all(responses.map((response) => response.text()));
  for (const [index, text] of texts.entries()) {
    if (responses[index]?.status === 200) t.match(text.slice(-40), /data: \[DONE\]\n\n$/);
  }
  await isServed();
});

t.test('who asks and does not read', async () => {
  const body = JSON.stringify({
    model: modelName,
    messages: question,
    stream: true,
    ignore_eos: true,
    n: 4,
    max_tokens: 200,
    logprobs: true,
    top_logprobs: 20,
  });
  const { socket } = open();
  socket.pause();
  socket.write(`${head(body.length)}${body}`);
  await until(async () => (await model.statistics())[0]?.statistics.residentSlots === 0, 'a free slot');
  await isServed();
  socket.destroy();
});

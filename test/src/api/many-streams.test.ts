// Two hundred clients that stream at once. bench/many-streams.mjs does it for a minute and measures memory and fair shares.
import { Agent, type IncomingMessage, request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { apiNode, modelName, until } from '../support/api-cluster.js';

const clients = 200;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Streamed {
  readonly status: number | undefined;
  readonly text: string;
}

function stream(url: string, agent: Agent, content: string): Promise<Streamed> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const asking = request(`${url}/v1/chat/completions`, { agent, method: 'POST', headers });
    asking.on('error', reject);
    asking.on('response', (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    asking.end(JSON.stringify({ model: modelName, messages: [{ role: 'user', content }], stream: true }));
  });
}

/** The text of all events of an answer. */
function contentOf(text: string): string {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => (JSON.parse(event.slice(6)) as { choices: { delta: { content?: string } }[] }).choices)
    .map(([choice]) => choice?.delta.content ?? '')
    .join('');
}

t.test('all are answered, each its own question, and nothing of them stays', async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  const model = await node.cluster.load(modelName);
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  t.teardown(() => agent.destroy());
  const heap: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: clients }, (_, number) =>
        stream(node.url, agent, `What is ${number % 50} plus ${Math.floor(number / 50)}?`),
      ),
    );
    const wrong = answers.filter(({ status, text }) => status !== 200 || !text.endsWith('data: [DONE]\n\n'));
    t.same(wrong.slice(0, 1), [], `round ${round}: all come to their end`);
    const mixed = answers.filter(
      ({ text }, number) => !contentOf(text).startsWith(`${number % 50} + ${Math.floor(number / 50)} =`),
    );
    t.same(
      mixed.map(({ text }) => contentOf(text)),
      [],
      'and nobody has the answer of another one',
    );
    await until(async () => (await model.statistics())[0]?.statistics.residentSlots === 0, 'free slots');
    collectGarbage();
    heap.push(process.memoryUsage().heapUsed);
  }
  const metrics = await (await fetch(`${node.url}/metrics`)).text();
  t.match(metrics, `shoal_requests_total{model="${modelName}",outcome="completed"} ${3 * clients}`);
  t.match(metrics, `shoal_num_requests_running{model="${modelName}"} 0`);
  // What is kept for each of them would be a multiple of it; compiled code and buffers come with the first round.
  const [, second = 0, third = 0] = heap;
  t.ok(third - second < clients * 40_000, `the heap grew by ${third - second} bytes with the third round`);
});

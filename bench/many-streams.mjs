// Claim: 200 clients that stream from one node at once, for a minute, all get their answers, in fair shares (no stream waits
// for its first token over five times as long as the median), and the node then holds no more memory than before. Each client
// asks anew as soon as it has its answer. The node and its worker are processes of their own. Prints JSON: {"name", "short",
// "answers", "failures", "firstTokenMilliseconds", "tokensPerSecond", "megabytes", …}. `--clients 200`, `--seconds 60`; `--short`:
// 10 s.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machineFacts } from './support/machine.mjs';
import { median, round } from './support/numbers.mjs';

const { values: options } = parseArgs({
  options: {
    clients: { type: 'string', default: '200' },
    seconds: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});
const clients = Number(options.clients);
const seconds = Number(options.seconds ?? (options.short ? 10 : 60));
const warmUpSeconds = options.short ? 5 : 15;

const node = fork(fileURLToPath(new URL('support/api-node.mjs', import.meta.url)), { execArgv: ['--expose-gc'] });
const [{ url }] = await once(node, 'message');
const agent = new Agent({ keepAlive: true, maxSockets: clients });

async function memory() {
  node.send({});
  const [held] = await once(node, 'message');
  return held;
}

/** One streamed answer; `waited` is the time to its first token. */
async function stream(number) {
  const started = performance.now();
  const body = JSON.stringify({
    model: 'shoal-tiny-chat',
    messages: [{ role: 'user', content: `What is ${number % 50} plus ${(number * 7) % 50}?` }],
    stream: true,
  });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const asking = request(`${url}/v1/chat/completions`, { agent, method: 'POST', headers });
  asking.end(body);
  const [response] = await once(asking, 'response');
  let text = '';
  let waited;
  let tokens = 0;
  for await (const chunk of response.setEncoding('utf8')) {
    const count = chunk.split('"content":"').length - 1;
    // The first event names the role, and has no text.
    if (count > 0 && tokens + count > 1) waited ??= performance.now() - started;
    tokens += count;
    text = (text + chunk).slice(-4096);
  }
  const isComplete = response.statusCode === 200 && text.endsWith('data: [DONE]\n\n') && !text.includes('"error"');
  return { isComplete, waited: waited ?? performance.now() - started, tokens: tokens - 1, why: text };
}

async function run(forSeconds) {
  const end = performance.now() + forSeconds * 1000;
  const answers = [];
  let number = 0;
  const client = async () => {
    while (performance.now() < end) {
      number += 1;
      answers.push(
        await stream(number).catch((error) => ({ isComplete: false, waited: 0, tokens: 0, why: String(error) })),
      );
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  return { answers, took: (performance.now() - started) / 1000 };
}

// Buffers and compiled code of the first answers are kept, and are no leak.
await run(warmUpSeconds);
const before = await memory();
const { answers, took } = await run(seconds);
const after = await memory();
node.disconnect();
agent.destroy();

const failures = answers.filter(({ isComplete }) => !isComplete);
const waits = answers.map(({ waited }) => waited).sort((left, right) => left - right);
const at = (part) => waits[Math.min(waits.length - 1, Math.floor(part * waits.length))];
const megabytes = (held) =>
  Object.fromEntries(
    Object.entries(held).flatMap(([name, value]) => (typeof value === 'number' ? [[name, round(value, 1)]] : [])),
  );
console.log(
  JSON.stringify(
    {
      name: 'many-streams',
      short: options.short,
      clients,
      seconds: round(took, 1),
      answers: answers.length,
      failures: failures.length,
      ...(failures.length > 0 ? { failure: failures[0].why } : {}),
      ratios: { 'median/longest wait': round(median(waits) / at(1)) },
      targets: { 'median/longest wait': 0.2, failures: 0 },
      firstTokenMilliseconds: { median: round(median(waits), 1), p99: round(at(0.99), 1), longest: round(at(1), 1) },
      tokensPerSecond: round(answers.reduce((sum, { tokens }) => sum + tokens, 0) / took, 1),
      megabytes: { before: megabytes(before), after: megabytes(after) },
      slotsInUseAfter: after.statistics.residentSlots,
      machine: machineFacts(),
    },
    null,
    2,
  ),
);
process.exit();

// Claim: HTTP costs at most 2 ms to the first token and 0.2 ms a token over the SDK. One node with the shipped model is asked
// in turns through the SDK and through a streamed chat completion over loopback, by `node:http` and by `fetch`; the client runs
// in the same process, so that its own work counts against HTTP, too. Prints JSON: {"name", "short", "ratios": {"http/sdk,
// decode", …}, "added", …}.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCluster } from 'shoal';
import { machineFacts } from './support/machine.mjs';
import { median, round, Series, speedRatio, takeTurns } from './support/numbers.mjs';
import { pluginsFor } from './support/sdk.mjs';

const short = process.argv.includes('--short');
const rounds = short ? 15 : 61;
const tokens = 64;
const messages = [{ role: 'user', content: 'What is 12 plus 30?' }];

const home = mkdtempSync(join(tmpdir(), 'shoal-bench-home-'));
const plugins = [...pluginsFor(1), { module: '@shoal/api-http', options: { port: 0 } }];
const cluster = await createCluster(plugins, { identity: 'temporary', home });
const model = await cluster.load('shoal-tiny-chat');
const [url] = cluster.apis.flatMap(({ addresses }) => addresses);

/** Milliseconds to the first token, and between tokens. */
function timed() {
  const started = performance.now();
  let first = 0;
  let last = 0;
  let count = 0;
  return {
    token() {
      last = performance.now();
      if (first === 0) first = last;
      count += 1;
    },
    result: () => ({ firstToken: first - started, perToken: (last - first) / Math.max(1, count - 1) }),
  };
}

const body = JSON.stringify({ model: 'shoal-tiny-chat', messages, max_tokens: tokens, ignore_eos: true, stream: true });
const headers = { 'content-type': 'application/json' };
const agent = new Agent({ keepAlive: true });

/** Counts the tokens of server-sent events, which come in any pieces. */
async function readEvents(stream, clock) {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const bytes of stream) {
    const events = (pending + decoder.decode(bytes, { stream: true })).split('\n\n');
    pending = events.pop();
    for (const event of events) {
      if (event.startsWith('data: {') && JSON.parse(event.slice(6)).choices[0]?.delta.content) clock.token();
    }
  }
  return clock.result();
}

const measure = {
  async sdk() {
    const clock = timed();
    for await (const _part of model.chat(messages, { maximumTokens: tokens, ignoreEndOfText: true })) clock.token();
    return clock.result();
  },
  async http() {
    const clock = timed();
    const asking = request(`${url}/v1/chat/completions`, { method: 'POST', headers, agent });
    asking.end(body);
    const [response] = await once(asking, 'response');
    return readEvents(response, clock);
  },
  async fetch() {
    const clock = timed();
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body });
    return readEvents(response.body, clock);
  },
};

const names = Object.keys(measure);
const series = Object.fromEntries(names.map((name) => [name, [new Series(), new Series()]]));
for (const name of names) for (let warmUp = 0; warmUp < 3; warmUp += 1) await measure[name]();
await takeTurns(rounds, names, async (name) => {
  const { firstToken, perToken } = await measure[name]();
  series[name][0].add(firstToken);
  series[name][1].add(perToken);
});
await cluster.close();
rmSync(home, { recursive: true, force: true });

const added = (name, index) =>
  median(series[name][index].values.map((value, turn) => value - series.sdk[index].values[turn]));
const addedBy = (name) => ({
  firstTokenMilliseconds: round(added(name, 0)),
  perTokenMilliseconds: round(added(name, 1), 4),
});
const summary = ([firstToken, perToken]) => ({ firstToken: firstToken.summary(), perToken: perToken.summary() });
console.log(
  JSON.stringify(
    {
      name: 'http-overhead',
      short,
      ratios: {
        'http/sdk, decode': speedRatio(series.http[1], series.sdk[1]),
        'http/sdk, first token': speedRatio(series.http[0], series.sdk[0]),
      },
      added: { http: addedBy('http'), fetch: addedBy('fetch') },
      targets: { firstTokenMilliseconds: 2, perTokenMilliseconds: 0.2 },
      milliseconds: Object.fromEntries(names.map((name) => [name, summary(series[name])])),
      machine: machineFacts(),
    },
    null,
    2,
  ),
);
process.exit();

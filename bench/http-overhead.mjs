// Claim: HTTP costs at most 2 ms to the first token and 0.2 ms a token over the SDK. One node with the shipped model is asked
// in turns through the SDK and through a streamed chat completion over loopback; the client runs in the same process, so that
// its own work counts against HTTP, too. Prints JSON: {"name", "short", "ratios": {"http/sdk, decode", …}, "added", …}.
import { mkdtempSync, rmSync } from 'node:fs';
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

const measure = {
  async sdk() {
    const clock = timed();
    for await (const _part of model.chat(messages, { maximumTokens: tokens, ignoreEndOfText: true })) clock.token();
    return clock.result();
  },
  async http() {
    const clock = timed();
    const body = { model: 'shoal-tiny-chat', messages, max_tokens: tokens, ignore_eos: true, stream: true };
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const decoder = new TextDecoder();
    let pending = '';
    for await (const bytes of response.body) {
      const events = (pending + decoder.decode(bytes, { stream: true })).split('\n\n');
      pending = events.pop();
      for (const event of events) {
        if (event.startsWith('data: {') && JSON.parse(event.slice(6)).choices[0]?.delta.content) clock.token();
      }
    }
    return clock.result();
  },
};

const series = { sdk: [new Series(), new Series()], http: [new Series(), new Series()] };
for (const name of Object.keys(measure)) for (let warmUp = 0; warmUp < 3; warmUp += 1) await measure[name]();
await takeTurns(rounds, Object.keys(measure), async (name) => {
  const { firstToken, perToken } = await measure[name]();
  series[name][0].add(firstToken);
  series[name][1].add(perToken);
});
await cluster.close();
rmSync(home, { recursive: true, force: true });

const added = (index) => median(series.http[index].values.map((value, turn) => value - series.sdk[index].values[turn]));
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
      added: { firstTokenMilliseconds: round(added(0)), perTokenMilliseconds: round(added(1), 4) },
      targets: { firstTokenMilliseconds: 2, perTokenMilliseconds: 0.2 },
      milliseconds: { sdk: summary(series.sdk), http: summary(series.http) },
      machine: machineFacts(),
    },
    null,
    2,
  ),
);
process.exit();

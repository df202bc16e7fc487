// Claim: what nodes measure of a link is what it is, short or long, narrow or wide. Probes, as nodes send them before a
// placement, over an emulated link (test/wire). Prints JSON: {"name", "links": [{"link", "foundMegabitsPerSecond" (medians),
// "ofAsked" (least and most), "lowerBounds", "milliseconds"}], "ratios", "machine"}; a full link carries 0.95 of its rate as
// payload. `--loss 0.001`: a part of the frames is lost. `--rounds 5`. Linux, root or user namespaces; not part of CI.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bandwidthMillisecondsFor } from '@shoal/core/internal/node/node-links.js';
import { machineFacts } from './support/machine.mjs';
import { median, round } from './support/numbers.mjs';

const support = new URL('../build/test/src/support/', import.meta.url);
const { emulatedNetwork, emulatedNetworkProblem } = await import(new URL('emulated-network.js', support)).catch(() => {
  throw new Error('the test support is not compiled; run `npx tsc -b` first');
});

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, loss: { type: 'string', default: '0' } },
});
const [rounds, loss] = [options.rounds, options.loss].map(Number);

const problem = emulatedNetworkProblem();
if (problem !== undefined) {
  console.log(JSON.stringify({ name: 'link-bandwidth', unavailable: problem, ratios: {} }, null, 2));
  process.exit();
}

const script = fileURLToPath(new URL('support/probe-once.mjs', import.meta.url));
const network = await emulatedNetwork({ hosts: 2 });
const [from, to] = network.hosts;
const responder = to.spawn(process.execPath, [script, 'answer', to.address], { stdio: ['ignore', 'pipe', 'inherit'] });
const [line] = await once(createInterface({ input: responder.stdout }), 'line');
const { port } = JSON.parse(line);

const links = [];
for (const oneWay of [1, 20, 80]) {
  for (const megabits of [1, 10, 100, 1000]) {
    const rule = { delay: { microseconds: oneWay * 1000 }, bandwidth: { bitsPerSecond: megabits * 1e6 } };
    if (loss > 0) rule.loss = { model: 'random', probability: loss };
    await network.ruleBothWays(from, to, rule);
    const words = [
      script,
      'ask',
      to.address,
      String(port),
      String(bandwidthMillisecondsFor(2 * oneWay)),
      String(rounds),
    ];
    const asked = from.spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const found = JSON.parse(await text(asked.stdout));
    const of = (field) => found.flatMap((one) => one[field] ?? []);
    const rates = of('megabitsPerSecond');
    links.push({
      link: `${megabits} Mbit/s, ${oneWay} ms one way`,
      foundMegabitsPerSecond: rates.length > 0 ? round(median(rates), 2) : 'nothing',
      ofAsked: rates.length > 0 ? [Math.min(...rates), Math.max(...rates)].map((rate) => round(rate / megabits)) : [],
      lowerBounds: `${of('isLowerBound').filter(Boolean).length} of ${found.length}`,
      milliseconds: round(median(of('milliseconds')), 0),
      failures: of('failure'),
    });
  }
}
await network[Symbol.asyncDispose]();
console.log(
  JSON.stringify({ name: 'link-bandwidth', rounds, loss, ratios: {}, links, machine: machineFacts() }, null, 2),
);
process.exit();

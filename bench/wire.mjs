// Claim: a two-stage pipeline pays for its link what physics asks: two one-way delays and the transmission of one activation
// a token, and little more. Two nodes on hosts of an emulated network (test/wire) hold a checkpoint of Llama-3.2-1B's width
// and two thin layers as two stages, one thread each, while the link between them changes: the same loaded model decodes
// and reads prompts over all links in turns. First the emulator itself: asked and measured delays and bandwidths, and its
// processor time. Prints JSON: {"name", "emulator": {"delays", "bandwidths"}, "pipeline": [{"link", "millisecondsPerToken",
// "addedMilliseconds", "expectedAddedMilliseconds", "predictedMillisecondsPerToken" by the planner, …}], "ratios", "machine"}.
// Linux, root or user namespaces.
// `--rounds 7`, `--tokens 32`; `--emulator`: only the first part.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { machineFacts } from './support/machine.mjs';
import { round, Series, takeTurns } from './support/numbers.mjs';
import { pluginsFor } from './support/sdk.mjs';
import { hiddenSize, thinPrompt, withThinCheckpoint } from './support/thin-checkpoint.mjs';

const support = new URL('../build/test/src/support/', import.meta.url);
const { emulatedNetwork, emulatedNetworkProblem } = await import(new URL('emulated-network.js', support)).catch(() => {
  throw new Error('the test support is not compiled; run `npx tsc -b` first');
});
const { EmulatedCluster } = await import(new URL('emulated-cluster.js', support));
const { eagerMdns } = await import(new URL('host-plugins.js', support));

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    tokens: { type: 'string', default: '32' },
    emulator: { type: 'boolean', default: false },
  },
});
const [rounds, tokens] = [options.rounds, options.tokens].map(Number);
const [decodePrompt, prefillPrompt] = [8, 128];
/** The wire type is F32. */
const activationBytesPerToken = hiddenSize * 4;

const problem = emulatedNetworkProblem();
if (problem !== undefined) {
  console.log(JSON.stringify({ name: 'wire', unavailable: problem, ratios: {} }, null, 2));
  process.exit();
}

async function answerOf(program) {
  return JSON.parse(await text(program.stdout));
}

async function serve(host, action) {
  const [line] = await once(createInterface({ input: host.probe([action, `${host.address}:0`]).stdout }), 'line');
  return JSON.parse(line).listening;
}

/** What was asked of the emulator, what came, and how much processor time it took. */
async function measureEmulator() {
  const network = await emulatedNetwork({ hosts: 2 });
  const [from, to] = network.hosts;
  const [echo, sink] = [await serve(to, 'echo'), await serve(to, 'sink')];
  const delays = [];
  for (const oneWayMicroseconds of [0, 100, 1000, 5000, 20_000]) {
    await network.ruleBothWays(from, to, { delay: { microseconds: oneWayMicroseconds } });
    const words = ['rtt', echo, '--count', '500', '--interval-microseconds', '2000', '--wait-milliseconds', '200'];
    const found = await answerOf(from.probe(words));
    delays.push({
      askedRoundTripMicroseconds: 2 * oneWayMicroseconds,
      leastMicroseconds: round(found.leastMicroseconds, 1),
      medianMicroseconds: round(found.medianMicroseconds, 1),
      p99Microseconds: round(found.p99Microseconds, 1),
    });
  }
  const bandwidths = [];
  for (const [megabitsPerSecond, megabytes] of [
    [10, 2],
    [100, 20],
    [1000, 100],
    [undefined, 500],
  ]) {
    const rule = megabitsPerSecond ? { bandwidth: { bitsPerSecond: megabitsPerSecond * 1e6 } } : {};
    await network.rule(from, to, rule);
    await network.rule(to, from, {});
    const before = await network.statistics();
    const found = await answerOf(from.probe(['stream', sink, '--bytes', String(megabytes * 1e6)]));
    const { processorSeconds, precision } = await network.statistics();
    const spent = processorSeconds - before.processorSeconds;
    bandwidths.push({
      askedMegabitsPerSecond: megabitsPerSecond ?? 'no limit',
      megabitsPerSecond: round(found.bitsPerSecond / 1e6, 1),
      processorShare: round(spent / found.seconds, 2),
      processorMicrosecondsPerFrame: round((spent * 1e6) / (precision.delivered - before.precision.delivered), 2),
    });
  }
  const { precision } = await network.statistics();
  await network[Symbol.asyncDispose]();
  return { delays, bandwidths, meanLateMicroseconds: round(precision.meanLateMicroseconds, 1) };
}

const plugins = [eagerMdns, ...pluginsFor(1)];

/** Links by name: what they add to a token, and to a prompt, when nothing else is in the way. */
const links = Object.fromEntries(
  [
    [0, undefined],
    [0.1, undefined],
    [1, undefined],
    [5, undefined],
    [20, undefined],
    [0, 1000],
    [0, 100],
    [0, 10],
    [1, 100],
  ].map(([milliseconds, megabitsPerSecond]) => [
    `${milliseconds} ms, ${megabitsPerSecond ? `${megabitsPerSecond} Mbit/s` : 'no limit'}`,
    {
      rule: {
        delay: { microseconds: milliseconds * 1000 },
        ...(megabitsPerSecond && { bandwidth: { bitsPerSecond: megabitsPerSecond * 1e6 } }),
      },
      // There goes an activation, back comes a token; the headers of frames are some percent.
      expected: (activations) =>
        2 * milliseconds +
        (megabitsPerSecond ? (activations * activationBytesPerToken * 8) / (megabitsPerSecond * 1000) : 0),
    },
  ]),
);
const [perfect] = Object.keys(links);

/** The head's own times: what it computes, waits for and sends, without the way to this program. */
async function generate(model, prompt, maximumTokens) {
  const options = { maximumTokens, ignoreEndOfText: true };
  const { timings, usage } = await model.generate(thinPrompt(prompt), options).result;
  if (usage.generatedTokens !== maximumTokens)
    throw new Error(`${usage.generatedTokens} of ${maximumTokens} tokens came`);
  return timings;
}

/**
 * What Shoal makes of each link: as it measures it, and what its planner predicts. On fresh nodes, because what is known of a
 * link is measured again after some minutes only.
 */
async function look(checkpoint) {
  const found = {};
  for (const [name, { rule }] of Object.entries(links)) {
    const hosts = await EmulatedCluster.start({ hosts: 2, plugins, links: rule });
    await hosts.meet();
    const cluster = await hosts.attach(0);
    const topology = await cluster.topology({ fresh: true });
    const between = topology.links.filter(({ from, to }) => from.nodeId !== to.nodeId);
    const worst = (field, choose) => {
      const values = between.map((link) => link[field].value).filter((value) => value !== undefined);
      return values.length > 0 ? round(choose(...values), 1) : null;
    };
    const { outcome, numbers } = await cluster.explain(checkpoint, { plan: 'pp=2' });
    const hops = numbers?.times?.hops.map(({ milliseconds }) => milliseconds);
    found[name] = {
      foundLatencyMicroseconds: worst('latencyMicroseconds', Math.max),
      foundMegabitsPerSecond: worst('bandwidthBytesPerSecond', (...values) => (Math.min(...values) * 8) / 1e6),
      predictedAddedMilliseconds: hops ? round(hops.reduce((sum, one) => sum + one, 0)) : null,
      predictedMillisecondsPerToken: outcome.plan?.predicted?.millisecondsPerToken ?? null,
    };
    await cluster.close();
    await hosts[Symbol.asyncDispose]();
  }
  return found;
}

async function measurePipeline(checkpoint) {
  const found = await look(checkpoint);
  const hosts = await EmulatedCluster.start({ hosts: 2, plugins });
  await hosts.meet();
  const cluster = await hosts.attach(0);
  const model = await cluster.load(checkpoint, { plan: 'pp=2' });
  const series = Object.fromEntries(Object.keys(links).map((name) => [name, [new Series(), new Series()]]));
  const measure = async (name) => {
    await hosts.network.rule('*', '*', links[name].rule);
    const answer = await generate(model, decodePrompt, tokens);
    const read = await generate(model, prefillPrompt, 1);
    return [answer.decodeMilliseconds / (tokens - 1), read.prefillMilliseconds];
  };
  await measure(perfect);
  await takeTurns(rounds, Object.keys(links), async (name) => {
    for (const [index, value] of (await measure(name)).entries()) series[name][index].add(value);
  });
  const { precision } = await hosts.network.statistics();
  await cluster.close();
  await hosts[Symbol.asyncDispose]();
  const [base, basePrompt] = series[perfect];
  const pipeline = Object.entries(links).map(([link, { rule, expected }]) => {
    const [perToken, prompt] = series[link];
    return {
      link,
      oneWayMicroseconds: rule.delay.microseconds,
      bitsPerSecond: rule.bandwidth?.bitsPerSecond ?? null,
      ...found[link],
      tokensPerSecond: round(1000 / perToken.median, 1),
      millisecondsPerToken: round(perToken.median),
      addedMilliseconds: round(perToken.median - base.median),
      expectedAddedMilliseconds: round(expected(1)),
      prefillMilliseconds: round(prompt.median),
      addedPrefillMilliseconds: round(prompt.median - basePrompt.median),
      expectedAddedPrefillMilliseconds: round(expected(prefillPrompt)),
    };
  });
  const ratios = Object.fromEntries(
    pipeline
      .slice(1)
      .map(({ link, millisecondsPerToken, expectedAddedMilliseconds }) => [
        `expected/measured ms per token, ${link}`,
        round((base.median + expectedAddedMilliseconds) / millisecondsPerToken),
      ]),
  );
  return { pipeline, ratios, meanLateMicroseconds: round(precision.meanLateMicroseconds, 1) };
}

const emulator = await measureEmulator();
const measured = options.emulator
  ? { ratios: {} }
  : await withThinCheckpoint((checkpoint) => measurePipeline(checkpoint));
// How fast a burst such as a prompt's activations gets going on a long path is the kernel's affair.
const tcpCongestionControl = readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim();
const head = { name: 'wire', rounds, tokens, activationBytesPerToken, tcpCongestionControl };
console.log(JSON.stringify({ ...head, emulator, ...measured, machine: machineFacts() }, null, 2));
process.exit();

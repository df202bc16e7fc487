// The network emulator does what it is told. What it takes at least is asserted and what it takes at most is not: a busy
// machine is late. bench/wire.mjs measures how late.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import {
  type EmulatedHost,
  type EmulatedNetwork,
  emulatedNetwork,
  emulatedNetworkProblem,
  type PathRule,
} from './support/emulated-network.js';
import { repositoryRoot } from './support/repository.js';

interface RoundTrips {
  readonly sent: number;
  readonly returned: number;
  readonly duplicates: number;
  readonly overtaken: number;
  readonly corrupted: number;
  readonly leastMicroseconds: number;
}

/** Starts a server of the emulator's own and waits until it listens. */
async function serve(host: EmulatedHost, action: 'echo' | 'sink'): Promise<string> {
  const server = host.probe([action, `${host.address}:0`]);
  if (!server.stdout) throw new Error('the server has no output');
  const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  return (JSON.parse(line) as { listening: string }).listening;
}

async function measure<Result>(host: EmulatedHost, args: readonly string[]): Promise<Result> {
  const program = host.probe(args);
  if (!program.stdout) throw new Error('the measurement has no output');
  return JSON.parse(await text(program.stdout)) as Result;
}

/** For what must come back: a busy machine may take its time. The probe ends when all has come. */
const patiently = { waitMilliseconds: 30_000 };

async function roundTrips(
  from: EmulatedHost,
  target: string,
  { count = 50, intervalMicroseconds = 200, waitMilliseconds = 200 } = {},
): Promise<RoundTrips> {
  const numbers = { count, 'interval-microseconds': intervalMicroseconds, 'wait-milliseconds': waitMilliseconds };
  const words = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return await measure(from, ['rtt', target, ...words]);
}

const reason = emulatedNetworkProblem();

async function pairStatistics(network: EmulatedNetwork, from: EmulatedHost, to: EmulatedHost) {
  const { pairs } = await network.statistics();
  const found = pairs.find((pair) => pair.from === `${from.name}/eth0` && pair.to === `${to.name}/eth0`);
  if (!found) throw new Error(`nothing is known between ${from.name} and ${to.name}`);
  return found;
}

t.test('an emulated network', { skip: reason ?? false }, async (t) => {
  await using network = await emulatedNetwork({ hosts: 3, seed: 7 });
  const [first, second, third] = network.hosts as [EmulatedHost, EmulatedHost, EmulatedHost];
  const echo = await serve(second, 'echo');
  const sink = await serve(second, 'sink');
  const thirdEcho = await serve(third, 'echo');
  /** Both directions are perfect again. */
  const clear = async (): Promise<void> => {
    await network.rule('*', '*', {});
    await network.heal();
  };
  // Addresses are resolved before anything is counted.
  for (const target of [echo, thirdEcho]) await roundTrips(first, target, { count: 2, ...patiently });

  await t.test('a perfect path loses nothing', async (t) => {
    t.match(await roundTrips(first, echo, patiently), {
      sent: 50,
      returned: 50,
      duplicates: 0,
      overtaken: 0,
      corrupted: 0,
    });
  });

  await t.test('a delay is never shorter than asked, and is one direction only', async (t) => {
    await network.rule(first, second, { delay: { microseconds: 5000 } });
    const before = await pairStatistics(network, second, first);
    t.ok((await roundTrips(first, echo)).leastMicroseconds >= 5000);
    const [there, back] = [await pairStatistics(network, first, second), await pairStatistics(network, second, first)];
    t.ok(there.delayed >= 50);
    t.ok(Math.abs(there.delayMicroseconds / there.delayed - 5000) < 0.001, 'each took what was asked');
    t.equal(back.delayed, before.delayed, 'the way back took no time');
    await network.rule(second, first, { delay: { microseconds: 3000 } });
    t.ok((await roundTrips(first, echo)).leastMicroseconds >= 8000, 'the directions add up');
    await clear();
  });

  await t.test('a stream is never faster than asked, and a bounded queue makes it lose', async (t) => {
    const bandwidth = { bitsPerSecond: 20e6, queueBytes: 30_000 };
    await network.rule(first, second, { bandwidth });
    const bytes = 1_000_000;
    const { seconds } = await measure<{ seconds: number }>(first, ['stream', sink, '--bytes', String(bytes)]);
    t.ok(seconds >= (bytes * 8) / bandwidth.bitsPerSecond);
    const { overflowed, longestQueueBytes } = await pairStatistics(network, first, second);
    t.ok(overflowed > 0, 'congestion control has found the bottleneck');
    t.ok(longestQueueBytes <= 30_000);
    await clear();
  });

  await t.test('a cable is shared by all that use it', async (t) => {
    await network.cable(second, 'down', { bandwidth: { bitsPerSecond: 20e6 } });
    const bytes = 400_000;
    const started = performance.now();
    await Promise.all([first, third].map((host) => measure(host, ['stream', sink, '--bytes', String(bytes)])));
    t.ok((performance.now() - started) / 1000 >= (2 * bytes * 8) / 20e6);
    await network.cable(second, 'down', {});
  });

  await t.test('frames are lost as often as asked', async (t) => {
    const count = 2000;
    for (const [rule, expected] of [
      [{ loss: { model: 'random', probability: 0.1 } }, 0.1],
      // A burst begins every 100 frames and lasts 10: in the long run 1/11 are lost.
      [{ loss: { model: 'bursts', begins: 0.01, ends: 0.1 } }, 1 / 11],
    ] satisfies [PathRule, number][]) {
      await network.rule(first, second, rule);
      const before = (await pairStatistics(network, first, second)).lost;
      const { returned } = await roundTrips(first, echo, { count, intervalMicroseconds: 50 });
      const lost = (await pairStatistics(network, first, second)).lost - before;
      // Some that were lost are the hosts' own, such as looking for routers.
      t.ok(returned <= count - lost + 20, 'what was lost did not return');
      // Bursts of a mean length of 10 vary like a tenth as many coins; six standard deviations.
      const coins = rule.loss.model === 'random' ? count : count / 20;
      const deviation = Math.sqrt((expected * (1 - expected)) / coins);
      t.ok(Math.abs(lost / count - expected) < 6 * deviation, `${rule.loss.model}: ${lost} of ${count}`);
    }
    await clear();
  });

  await t.test('jitter keeps the order unless frames may overtake', async (t) => {
    const jitter = { distribution: 'uniform', microseconds: 5000 } as const;
    await network.rule(first, second, { delay: { microseconds: 1000, jitter } });
    t.match(await roundTrips(first, echo, { count: 200, ...patiently }), { returned: 200, overtaken: 0 });
    await network.rule(first, second, { delay: { microseconds: 1000, jitter, overtakes: true } });
    const { returned, overtaken } = await roundTrips(first, echo, { count: 200, ...patiently });
    t.equal(returned, 200);
    t.ok(overtaken > 20, `${overtaken} were overtaken`);
    await clear();
  });

  await t.test('frames are held back, doubled and changed', async (t) => {
    await network.rule(first, second, { reorder: { probability: 0.2, microseconds: 3000 } });
    t.ok((await roundTrips(first, echo, { count: 200, ...patiently })).overtaken > 5);
    await network.rule(first, second, { duplicate: { probability: 0.5 } });
    // With their copies no more than a socket's buffer holds: a program that does not run for a while loses none.
    const doubled = await roundTrips(first, echo, { count: 100, ...patiently });
    t.equal(doubled.returned, 100);
    t.ok(doubled.duplicates > 20 && doubled.duplicates < 80, `${doubled.duplicates} came twice`);
    await network.rule(first, second, { corrupt: { probability: 0.5 } });
    const { returned, corrupted } = await roundTrips(first, echo, { count: 200, waitMilliseconds: 2000 });
    t.equal(corrupted, 0, 'checksums keep changed datagrams away');
    t.ok(returned > 50 && returned < 150, `${returned} came unchanged`);
    await network.rule(first, second, { largestFrameBytes: 60 });
    t.equal((await roundTrips(first, echo, { count: 20 })).returned, 0, 'frames are too long');
    await clear();
  });

  await t.test('a cut is one direction only, a partition both, and both heal', async (t) => {
    await network.cut(first, second);
    t.equal((await roundTrips(first, echo, { count: 10 })).returned, 0);
    const [there, back] = [await pairStatistics(network, first, second), await pairStatistics(network, second, first)];
    t.ok(there.isCut && there.cut >= 10);
    t.ok(!back.isCut && back.cut === 0);
    await network.heal();
    await network.partition([first], [second]);
    t.equal((await roundTrips(first, echo, { count: 10 })).returned, 0);
    const { returned } = await roundTrips(first, thirdEcho, { count: 10, ...patiently });
    t.equal(returned, 10, 'who is in no group reaches everybody');
    await network.heal();
    t.equal((await roundTrips(first, echo, { count: 10, ...patiently })).returned, 10);
  });

  await t.test('a pulled cable is seen by the host', async (t) => {
    const carrier = async (): Promise<string> => {
      const program = second.spawn('cat', ['/sys/class/net/eth0/carrier'], { stdio: ['ignore', 'pipe', 'inherit'] });
      return (await text(program.stdout as NonNullable<typeof program.stdout>)).trim();
    };
    t.equal(await carrier(), '1');
    await network.unplug(second);
    t.equal(await carrier(), '0');
    t.equal((await roundTrips(first, echo, { count: 5 })).returned, 0);
    await network.plug(second);
    t.equal(await carrier(), '1');
    t.equal((await roundTrips(first, echo, { count: 5, ...patiently })).returned, 5);
  });

  await t.test('a timeline is played', async (t) => {
    const steps: number[] = [];
    await network.play(
      [
        { atMilliseconds: 120, do: { order: 'heal' } },
        { atMilliseconds: 10, do: { order: 'cut', from: 'host-1', to: 'host-2' } },
        { atMilliseconds: 60, do: { order: 'partition', groups: [['host-1', 'host-2'], ['host-3']] } },
      ],
      (step) => steps.push(step),
    );
    t.same(steps, [1, 2, 0]);
    t.equal((await roundTrips(first, echo, { count: 5, ...patiently })).returned, 5);
  });

  await t.test('an impossible order says why', async (t) => {
    const refused = { name: 'EmulatorError' };
    const bad = { loss: { model: 'random', probability: 1.5 } } as const;
    await t.rejects(network.rule(first, second, bad), {
      ...refused,
      code: 'WIRE_RULE_INVALID',
      message: /from 0 to 1/,
    });
    await t.rejects(network.cut('nobody', second), { ...refused, code: 'WIRE_PLACE_UNKNOWN', message: /host-1\/eth0/ });
    await t.rejects(network.cut(first, first), { ...refused, code: 'WIRE_PLACES_APART' });
    const misspelt = { latency: 1 } as unknown as PathRule;
    await t.rejects(network.rule(first, second, misspelt), { ...refused, code: 'WIRE_MESSAGE_INVALID' });
    const statistics = { order: 'statistics' } as never;
    await t.rejects(network.play([{ atMilliseconds: 0, do: statistics }]), { code: 'WIRE_MESSAGE_INVALID' });
  });
});

t.test('interfaces of several segments are apart', { skip: reason ?? false }, async (t) => {
  const host = (name: string, number: number) => ({
    name,
    interfaces: [
      { name: 'eth0', segment: 'lan', address: `10.77.0.${number}/24` },
      { name: 'fast0', segment: 'cable', address: `169.254.3.${number}/16`, mtuBytes: 9000 },
    ],
  });
  await using network = await emulatedNetwork({ hosts: [host('left', 1), host('right', 2)] });
  const [left, right] = network.hosts as [EmulatedHost, EmulatedHost];
  const echo = await serve(right, 'echo');
  await network.cut('left/fast0', 'right/fast0');
  t.equal((await roundTrips(left, echo, { count: 5, ...patiently })).returned, 5, 'the other cable is whole');
  await network.cut(left, right);
  t.equal((await roundTrips(left, echo, { count: 5 })).returned, 0);
  await t.rejects(network.cut('left/eth0', 'right/fast0'), { code: 'WIRE_PLACES_APART' });
});

const userReason = reason ?? emulatedNetworkProblem({ inUserNamespace: true });

t.test('a network in a user namespace', { skip: userReason ?? false }, async (t) => {
  await using network = await emulatedNetwork({ hosts: 2, inUserNamespace: true });
  const [first, second] = network.hosts as [EmulatedHost, EmulatedHost];
  const echo = await serve(second, 'echo');
  t.equal((await roundTrips(first, echo, { count: 5, ...patiently })).returned, 5);
  await network.cut(first, second);
  t.equal((await roundTrips(first, echo, { count: 5 })).returned, 0);
});

t.test('nothing is left of a network whose owner was killed', { skip: reason ?? false }, async (t) => {
  const support = pathToFileURL(join(repositoryRoot, 'build', 'test', 'src', 'support', 'emulated-network.js')).href;
  const script = `
    const { emulatedNetwork } = await import(${JSON.stringify(support)});
    const network = await emulatedNetwork({ hosts: 2 });
    const programs = network.hosts.map((host) => host.spawn('sleep', ['600'], { stdio: 'ignore' }));
    console.log(JSON.stringify(programs.map(({ pid }) => pid)));
  `;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
  const programs = JSON.parse(line) as number[];
  const all = processes()
    .filter(({ parent }) => parent === owner.pid)
    .map(({ pid }) => pid);
  t.ok(all.length >= 3 && programs.every((program) => all.includes(program)), 'the emulator and two programs run');
  owner.kill('SIGKILL');
  const deadline = Date.now() + 60_000;
  const left = (): number[] =>
    processes()
      .filter(({ pid, state }) => all.includes(pid) && state !== 'Z')
      .map(({ pid }) => pid);
  while (left().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  t.same(left(), [], 'all have ended, and with them their namespaces');
});

/** What /proc says of all processes. */
function processes(): { readonly pid: number; readonly parent: number; readonly state: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // The name before may hold anything.
      const [state, parent] = readFileSync(`/proc/${name}/stat`, 'utf8').replace(/.*\) /s, '').split(' ');
      return [{ pid: Number(name), parent: Number(parent), state: state ?? '' }];
    } catch {
      // It has ended since.
      return [];
    }
  });
}

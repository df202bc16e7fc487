// Four nodes load and answer while their network breaks at random: whatever happens ends in time and with a code, and when
// all is well again they see one another, work together, and nothing is left of what failed.
//
// SHOAL_CHAOS_SEED=17 plays one schedule, SHOAL_CHAOS_SEED=1-50 many; SHOAL_CHAOS_SECONDS=60 makes them longer than 10 s;
// SHOAL_CHAOS_SCENARIO=FILE plays one from a file.
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, ShoalError } from 'shoal';
import t from 'tap';
import { Random, randomScenario, readScenario, type Scenario } from './support/chaos.js';
import { EmulatedCluster } from './support/emulated-cluster.js';
import { emulatedNetworkProblem } from './support/emulated-network.js';

const question = [{ role: 'user', content: 'What is 12 plus 30?' }] as const;
const answer = '12 + 30 = 42.';
const plans = [undefined, 'pp=2', 'pp=3', 'tp=2'] as const;

/** Nothing may take longer. Far beyond every deadline of the product, so that a busy machine is not taken for a fault. */
const hangsAfterMilliseconds = 90_000;
const recoversWithinMilliseconds = 60_000;

const reason = emulatedNetworkProblem();

/** What is wrong with a run. */
type Problems = string[];

/** What took longest, and which errors there were. */
class Observed {
  readonly #slowest = { what: 'nothing', milliseconds: 0 };
  readonly #errors = new Map<string, { count: number; readonly example: string }>();

  took(what: string, milliseconds: number, error: ShoalError | undefined): void {
    if (milliseconds > this.#slowest.milliseconds) Object.assign(this.#slowest, { what, milliseconds });
    if (error === undefined) return;
    const alike = this.#errors.get(error.code) ?? { count: 0, example: `${what}: ${error.message}` };
    alike.count += 1;
    this.#errors.set(error.code, alike);
  }

  toString(): string {
    const { what, milliseconds } = this.#slowest;
    const errors = [...this.#errors].map(([code, { count, example }]) => `\n${count} ${code}, such as ${example}`);
    return `slowest: ${what}, ${Math.round(milliseconds)} ms${errors.join('')}`;
  }
}

async function ended<T>(
  what: string,
  promise: Promise<T>,
  problems: Problems,
  observed?: Observed,
): Promise<T | undefined> {
  const started = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), hangsAfterMilliseconds);
  });
  const outcome = await Promise.race([
    promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
    late,
  ]);
  clearTimeout(timer);
  const error = typeof outcome === 'object' && 'error' in outcome ? (outcome.error as ShoalError) : undefined;
  observed?.took(what, performance.now() - started, error);
  if (outcome === 'late') problems.push(`${what} had not ended after ${hangsAfterMilliseconds} ms`);
  else if ('value' in outcome) return outcome.value;
  else if (!(outcome.error instanceof ShoalError)) problems.push(`${what}: an error without a code: ${outcome.error}`);
  else if (outcome.error.code === 'INTERNAL') problems.push(`${what}: ${outcome.error.message}`);
  return undefined;
}

/** Loads, asks and unloads until told to stop. */
async function work(cluster: Cluster, name: string, seed: number, stopped: () => boolean, problems: Problems) {
  const random = new Random(seed);
  const observed = new Observed();
  const counted = { asked: 0, answered: 0, observed };
  while (!stopped() && problems.length === 0) {
    const plan = random.pick(plans);
    const what = `${name}, ${plan ?? 'the planned one'}`;
    const model = await ended(
      `${what}: load`,
      cluster.load('shoal-tiny-chat', plan ? { plan } : {}),
      problems,
      observed,
    );
    if (!model) {
      // What cannot be loaded now may be in a moment.
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    for (let round = random.below(4); round >= 0 && !stopped(); round -= 1) {
      counted.asked += 1;
      const result = await ended(`${what}: answer`, model.chat(question).result, problems, observed);
      if (!result) break;
      counted.answered += 1;
      if (result.text !== answer) problems.push(`${what}: '${result.text}' instead of '${answer}'`);
    }
    await ended(`${what}: unload`, model.unload(), problems, observed);
  }
  return counted;
}

/** Processes that a process has started and that still run. */
function childrenOf(parent: number | undefined): string[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [state, parentText] = readFileSync(`/proc/${name}/stat`, 'utf8').replace(/.*\) /s, '').split(' ');
      if (Number(parentText) !== parent || state === 'Z') return [];
      return [readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()];
    } catch {
      // It has ended since.
      return [];
    }
  });
}

/** Waits until this gives nothing, and says what it gave last. */
async function emptied(left: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const deadline = performance.now() + recoversWithinMilliseconds;
  for (;;) {
    const found = await left();
    if (found.length === 0 || performance.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * An instance whose unloading found no way to its nodes still serves: it belongs to its head. One that was loading must end
 * with the load, and one that has failed is remembered for those who ask.
 */
async function unloadLeft(cluster: Cluster, problems: Problems): Promise<void> {
  for (const { instance, state } of await cluster.instances()) {
    if (state !== 'ready') continue;
    const model = await cluster.model(instance);
    await ended(`unloading ${instance}, which was out of reach`, model.unload(), problems);
  }
  const left = await emptied(async () =>
    (await cluster.instances())
      .filter(({ state }) => state === 'ready' || state === 'loading')
      .map(({ instance, state, plan: { stages } }) => {
        const nodes = stages.flatMap(({ members }) => members.map(({ nodeName }) => nodeName));
        return `${instance}, ${state}, of ${nodes.join(', ')}`;
      }),
  );
  if (left.length > 0) problems.push(`instances are left: ${left.join('; ')}`);
}

/** Who leads, by each node; empty when all agree. */
async function disagreement(hosts: EmulatedCluster): Promise<readonly string[]> {
  const leaders = await Promise.all(
    hosts.nodes.map(async (_node, index) => {
      await using cluster = await hosts.attach(index);
      const { nodeName, term, isCampaigning } = await cluster.leader();
      return `${nodeName} in term ${term}${isCampaigning ? ', campaigning' : ''}`;
    }),
  );
  const isSettled = new Set(leaders).size === 1 && !leaders[0]?.includes('campaigning');
  return isSettled ? [] : leaders;
}

async function recovered(hosts: EmulatedCluster, problems: Problems): Promise<void> {
  const seen = await hosts.meet(recoversWithinMilliseconds);
  for (const [index, names] of seen.entries()) {
    const wanted = hosts.everybodySeenBy(index);
    if (names.join() !== wanted.join()) problems.push(`host-${index + 1} sees ${names.join(', ')} after healing`);
  }
  for (const [index, node] of hosts.nodes.entries()) {
    if (node.process.exitCode !== null || node.process.signalCode !== null) {
      problems.push(`host-${index + 1} ended: ${node.errors()}`);
    }
  }
  if (problems.length > 0) return;
  const leaders = await emptied(() => disagreement(hosts));
  if (leaders.length > 0) problems.push(`the nodes do not agree who leads: ${leaders.join('; ')}`);
  await using cluster = await hosts.attach(0);
  await unloadLeft(cluster, problems);
  for (const plan of ['pp=4', 'tp=2']) {
    const model = await ended(`${plan} after healing`, cluster.load('shoal-tiny-chat', { plan }), problems);
    if (!model) {
      problems.push(`${plan} does not load after healing`);
      continue;
    }
    const result = await ended(`${plan} after healing: answer`, model.chat(question).result, problems);
    if (result?.text !== answer) problems.push(`${plan} after healing: ${result?.text ?? 'no answer'}`);
    await ended(`${plan} after healing: unload`, model.unload(), problems);
  }
  for (const [index, node] of hosts.nodes.entries()) {
    const workers = await emptied(async () => childrenOf(node.process.pid));
    if (workers.length > 0) problems.push(`host-${index + 1} still has ${workers.join(' and ')}`);
  }
}

async function play(scenario: Scenario, say: (text: string) => void): Promise<Problems> {
  const problems: Problems = [];
  await using hosts = await EmulatedCluster.start({ hosts: scenario.hosts, seed: scenario.seed });
  await hosts.meet();
  let over = false;
  const clusters = await Promise.all([0, scenario.hosts - 1].map((index) => hosts.attach(index)));
  const working = clusters.map((cluster, index) =>
    work(cluster, `program ${index + 1}`, scenario.seed * 2 + index, () => over, problems),
  );
  await hosts.network.play(scenario.timeline);
  over = true;
  const counted = await Promise.all(working);
  await Promise.all(clusters.map((cluster) => cluster.close()));
  for (const { asked, answered, observed } of counted) say(`${answered} of ${asked} answered; ${observed}`);
  if (problems.length === 0) await recovered(hosts, problems);
  if (problems.length > 0)
    for (const [index, node] of hosts.nodes.entries()) say(`host-${index + 1}: ${node.errors()}`);
  return problems;
}

function seeds(): number[] {
  const [first = 1, last = first] = (process.env.SHOAL_CHAOS_SEED ?? '1').split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const file = process.env.SHOAL_CHAOS_SCENARIO;
const seconds = Number(process.env.SHOAL_CHAOS_SECONDS ?? '10');
const scenarios: Record<string, Scenario> = file
  ? { [file]: readScenario(file) }
  : Object.fromEntries(
      seeds().map((seed) => [`seed ${seed}`, randomScenario(seed, { changes: seconds, milliseconds: seconds * 1000 })]),
    );

for (const [name, scenario] of Object.entries(scenarios)) {
  t.test(`a cluster on a network that breaks at random: ${name}`, { skip: reason ?? false }, async (t) => {
    const problems = await play(scenario, (text) => t.comment(text));
    if (problems.length > 0) {
      const saved = join(mkdtempSync(join(tmpdir(), 'shoal-chaos-')), 'scenario.json');
      writeFileSync(saved, `${JSON.stringify(scenario, null, 2)}\n`);
      const again = 'npm test -- build/test/src/chaos.test.js';
      const length = seconds === 10 ? '' : `SHOAL_CHAOS_SECONDS=${seconds} `;
      t.comment(`to replay it: ${length}SHOAL_CHAOS_SEED=${scenario.seed} ${again}`);
      t.comment(`or, to make it smaller first: SHOAL_CHAOS_SCENARIO=${saved} ${again}`);
    }
    t.same(problems, []);
  });
}

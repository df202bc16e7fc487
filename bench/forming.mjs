// Claim: nodes that can see each other are one cluster before a person has looked: three on one network over mDNS within 2 s
// of the last one's start, five on routed networks over the dht and one address within 5 s; and at rest a cluster of five
// costs a node at most 1 % of a core, 130 MB and 5 kB/s. Nodes are processes on hosts made of network namespaces (Linux,
// root); they start together, and forming has ended when each lists all others as connected. The time has Node's own start
// in it, which is given beside it. Prints JSON: {"name", "forming": [{"method", "nodes", "milliseconds",
// "nodeStartMilliseconds", …}], "rest": [{"method", "kilobytesPerSecond", "corePercent", "residentMegabytes"}], "machine"}.
// `--rounds 5`, 0 for none; `--rest 60`: seconds at rest that are measured, 0 for none.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attach } from 'shoal';
import { root } from '../scripts/tools.mjs';
import { machineFacts } from './support/machine.mjs';
import { median, round } from './support/numbers.mjs';

const support = new URL('../build/test/src/support/', import.meta.url);
const { NamespaceHosts } = await import(new URL('namespaces.js', support)).catch(() => {
  throw new Error('the test support is not compiled; run `npx tsc -b` first');
});
const { HostNode } = await import(new URL('command.js', support));

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, rest: { type: 'string', default: '60' } },
});
const rounds = Number(options.rounds);
const restSeconds = Number(options.rest);
/** Look-ups of the dht become rare within two minutes. */
const settleSeconds = 120;

const problem = NamespaceHosts.unavailableReason();
if (problem !== undefined) {
  console.log(JSON.stringify({ name: 'forming', unavailable: problem }, null, 2));
  process.exit();
}

/** Without APIs: what a node listens on beside its control plane is not what is measured. */
const otherPlugins = JSON.parse(readFileSync(join(root, 'plugins.json'), 'utf8')).plugins.filter(
  ({ module }) => !/\/(discovery|api)-/.test(module),
);

/** Nodes that start together; resolves when each has started, with the time until all were one cluster. */
async function form(discovery, count) {
  const directory = mkdtempSync(join(tmpdir(), 'shoal-forming-'));
  const network = NamespaceHosts.create(count);
  const nodes = [];
  const close = async () => {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    await network[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const key = randomBytes(32).toString('hex');
    const bootstrap = [`/ip4/${network.hosts[0].address}/tcp/4001`];
    const homes = network.hosts.map((_, index) => {
      const home = join(directory, `node-${index}`);
      mkdirSync(home, { mode: 0o700 });
      writeFileSync(join(home, 'cluster.key'), key, { mode: 0o600 });
      const own = discovery.map((name) => ({
        module: `@shoal/discovery-${name}`,
        ...(name === 'dht' && index > 0 ? { options: { bootstrap } } : {}),
      }));
      writeFileSync(join(home, 'list.json'), JSON.stringify({ plugins: [...own, ...otherPlugins] }));
      return home;
    });
    const started = performance.now();
    const starting = network.hosts.map(async (host, index) => {
      const home = homes[index];
      const words = ['--name', `node-${index}`, '--plugins', join(home, 'list.json')];
      // The plain peer list stands for a cluster without any discovery.
      if (discovery.length === 0 && index > 0) words.push('--peer', bootstrap[0]);
      const node = await HostNode.start(host, home, words);
      nodes.push(node);
      const milliseconds = performance.now() - started;
      const cluster = await attach({ home });
      const connected = async () => (await cluster.nodes()).filter(({ state }) => state === 'connected').length;
      while ((await connected()) < count - 1) await new Promise((resolve) => setTimeout(resolve, 10));
      const formed = performance.now() - started;
      await cluster.close();
      return { milliseconds, formed };
    });
    const times = await Promise.all(starting);
    return {
      formedMilliseconds: Math.max(...times.map(({ formed }) => formed)),
      nodeStartMilliseconds: Math.max(...times.map(({ milliseconds }) => milliseconds)),
      nodes,
      hosts: network.hosts,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function measureForming(discovery, count) {
  const formed = [];
  const starts = [];
  for (let index = 0; index < rounds; index += 1) {
    const cluster = await form(discovery, count);
    formed.push(cluster.formedMilliseconds);
    starts.push(cluster.nodeStartMilliseconds);
    await cluster.close();
  }
  return {
    method: discovery.join(' + ') || 'one address',
    nodes: count,
    milliseconds: round(median(formed), 0),
    slowestMilliseconds: round(Math.max(...formed), 0),
    nodeStartMilliseconds: round(median(starts), 0),
  };
}

function readingsOf({ nodes, hosts }) {
  const bytes = hosts.map((host) => host.sentBytes('eth0'));
  const ticksPerSecond = 100;
  const processes = nodes.map(({ process: { pid } }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    const resident = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1];
    return { seconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond, megabytes: Number(resident) / 1000 };
  });
  return { bytes, processes };
}

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** What a node of five sends, computes and holds when nothing is asked of it. */
async function measureRest(discovery) {
  const cluster = await form(discovery, 5);
  try {
    await sleep(settleSeconds);
    const before = readingsOf(cluster);
    await sleep(restSeconds);
    const after = readingsOf(cluster);
    const perNode = (value) => round(median(after.processes.map((_, index) => value(index))), 2);
    return {
      method: discovery.join(' + ') || 'one address',
      kilobytesPerSecondSent: perNode((index) => (after.bytes[index] - before.bytes[index]) / 1000 / restSeconds),
      corePercent: perNode(
        (index) => ((after.processes[index].seconds - before.processes[index].seconds) / restSeconds) * 100,
      ),
      residentMegabytes: perNode((index) => after.processes[index].megabytes),
    };
  } finally {
    await cluster.close();
  }
}

const clusters = [
  [['mdns'], 3],
  [['udp-broadcast'], 3],
  [['dht'], 5],
  [[], 5],
];
const forming = [];
if (rounds > 0) for (const [discovery, count] of clusters) forming.push(await measureForming(discovery, count));
const rest = [];
if (restSeconds > 0) for (const discovery of [[], ['mdns'], ['dht']]) rest.push(await measureRest(discovery));
console.log(JSON.stringify({ name: 'forming', forming, rest, machine: machineFacts() }, null, 2));

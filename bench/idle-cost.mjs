// Claim: a node that does nothing in a cluster of five costs at most 1 % of a core, 130 MB and 5 kB/s. Five nodes with the
// shipped plugins on hosts of their own, watched for a while, next to a node that is alone. Prints JSON: {"name", "inCluster",
// "alone": {"coreShare", "megabytes", "sentBytesPerSecond", "receivedBytesPerSecond"}}, medians of the nodes and their worst.
// `--discovery dht`: nodes that find each other by this plugin instead of the shipped ones, from the first node's address
// where it takes one (`dht`, `static`). `--settle 120`: seconds before that, for a table whose look-ups become rare.
// `--short`: watched for a shorter time.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadHosts, untilWhole, withHosts } from './support/hosts.mjs';
import { machineFacts } from './support/machine.mjs';
import { median, round } from './support/numbers.mjs';

const { values: options } = parseArgs({
  options: { discovery: { type: 'string' }, settle: { type: 'string' }, short: { type: 'boolean', default: false } },
});
const { short } = options;
/** Nodes look for unused heap after 15 s. */
const settleMilliseconds = options.settle === undefined ? 20_000 : Number(options.settle) * 1000;
const watchMilliseconds = short ? 15_000 : 60_000;
/** USER_HZ, which Linux reports process times in on all platforms of interest. */
const ticksPerSecond = 100;

const { unavailable, HostCluster } = await loadHosts();
const firstAddress = '/ip4/10.213.7.1/tcp/4001';
const ownOptions = { dht: { bootstrap: [firstAddress] }, static: { peers: [firstAddress] } };
/** Absent: as shipped. */
const discovery = options.discovery && [
  { module: `@shoal/discovery-${options.discovery}`, options: ownOptions[options.discovery] ?? {} },
];

function look(node) {
  // The name in parentheses may have spaces; what counts follows it.
  const fields = readFileSync(`/proc/${node.process.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${node.process.pid}/status`, 'utf8'))[1];
  return {
    at: performance.now(),
    processorSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    megabytes: Number(resident) / 1000,
    sent: node.host.sentBytes('eth0'),
    received: node.host.receivedBytes('eth0'),
  };
}

function measure(count) {
  const names = Array.from({ length: count }, (_, index) => `node-${index + 1}`);
  return withHosts(new HostCluster(names, discovery ? { discovery } : {}), (hosts) => watch(hosts, names));
}

async function watch(hosts, names) {
  const nodes = [];
  for (const name of names) nodes.push(await hosts.start(name));
  await untilWhole(hosts, names);
  await sleep(settleMilliseconds);
  const before = nodes.map(look);
  await sleep(watchMilliseconds);
  const found = nodes.map((node, index) => {
    const [from, to] = [before[index], look(node)];
    const seconds = (to.at - from.at) / 1000;
    return {
      coreShare: (to.processorSeconds - from.processorSeconds) / seconds,
      megabytes: to.megabytes,
      sentBytesPerSecond: (to.sent - from.sent) / seconds,
      receivedBytesPerSecond: (to.received - from.received) / seconds,
    };
  });
  return Object.fromEntries(
    Object.keys(found[0]).map((field) => {
      const values = found.map((one) => one[field]);
      const digits = field === 'coreShare' ? 4 : 0;
      return [field, { median: round(median(values), digits), highest: round(Math.max(...values), digits) }];
    }),
  );
}

const result = unavailable ? { unavailable } : { inCluster: await measure(5), alone: await measure(1) };
console.log(
  JSON.stringify(
    {
      name: 'idle-cost',
      short,
      discovery: options.discovery ?? 'as shipped',
      ratios: {},
      targets: { coreShare: 0.01, megabytes: 130, bytesPerSecond: 5000 },
      ...result,
      machine: machineFacts(),
    },
    null,
    2,
  ),
);

// Claim: a cluster forms by itself: three nodes by mDNS within 2 s of the last start, five by a hash table from one address
// within 5 s. UDP broadcast, and a plain address without any discovery, are measured beside them. Nodes run on hosts of
// their own; the time counts from the start of the last node's process until every node is connected with all others.
// Prints JSON: {"name", "milliseconds": {"mdns of 3", "dht of 5", …, "process": of that, until the last node's process
// answered}}. `--short`: fewer repetitions.
import { loadHosts, untilWhole, withHosts } from './support/hosts.mjs';
import { machineFacts } from './support/machine.mjs';
import { round, Series } from './support/numbers.mjs';

const short = process.argv.includes('--short');
const rounds = short ? 3 : 9;
const { unavailable, HostCluster } = await loadHosts();

const firstAddress = '/ip4/10.213.7.1/tcp/4001';
const cases = {
  'mdns of 3': { count: 3, discovery: [{ module: '@shoal/discovery-mdns' }] },
  'udp-broadcast of 3': { count: 3, discovery: [{ module: '@shoal/discovery-udp-broadcast' }] },
  'dht of 5': { count: 5, discovery: [{ module: '@shoal/discovery-dht', options: { bootstrap: [firstAddress] } }] },
  'one address of 5': {
    count: 5,
    discovery: [{ module: '@shoal/discovery-static', options: { peers: [firstAddress] } }],
  },
};
const series = Object.fromEntries(
  Object.keys(cases).map((name) => [name, { whole: new Series(), process: new Series() }]),
);

function measure(name) {
  const { count, discovery } = cases[name];
  const names = Array.from({ length: count }, (_, index) => `node-${index + 1}`);
  return withHosts(new HostCluster(names, { discovery }), (hosts) => form(hosts, name, names));
}

async function form(hosts, name, names) {
  const last = names.at(-1);
  for (const one of names.slice(0, -1)) await hosts.start(one);
  await untilWhole(hosts, names.slice(0, -1));
  const started = performance.now();
  await hosts.start(last);
  series[name].process.add(performance.now() - started);
  await untilWhole(hosts, names);
  series[name].whole.add(performance.now() - started);
}

if (!unavailable) {
  for (let turn = 0; turn < rounds; turn += 1) for (const name of Object.keys(cases)) await measure(name);
}
const summary = (one) => ({ ...one.summary(0), highest: round(Math.max(...one.values), 0) });
console.log(
  JSON.stringify(
    {
      name: 'cluster-forming',
      short,
      ...(unavailable ? { unavailable } : {}),
      ratios: {},
      targets: { milliseconds: { 'mdns of 3': 2000, 'dht of 5': 5000 } },
      milliseconds: unavailable
        ? {}
        : Object.fromEntries(
            Object.entries(series).map(([name, { whole, process: own }]) => [
              name,
              { ...summary(whole), process: summary(own) },
            ]),
          ),
      machine: machineFacts(),
    },
    null,
    2,
  ),
);

// Claim: a pulled cable is noticed within 1.5 s, and a peer is connected again soon after the cable is back. Three nodes on
// hosts of their own; the cable of the third is pulled at a random moment, again and again. Prints JSON: {"name",
// "milliseconds": {"noticed": until both others have lost it, "back": from the cable to the connection}}.
// `--short`: fewer repetitions.
import { setTimeout as sleep } from 'node:timers/promises';
import { loadHosts, untilWhole, withHosts } from './support/hosts.mjs';
import { machineFacts } from './support/machine.mjs';
import { round, Series } from './support/numbers.mjs';

const short = process.argv.includes('--short');
const rounds = short ? 5 : 20;
const names = ['anna', 'bert', 'carl'];

const { unavailable, HostCluster } = await loadHosts();
const series = { noticed: new Series(), back: new Series() };

async function measure(hosts) {
  for (const name of names) await hosts.start(name);
  await untilWhole(hosts, names);
  const carl = hosts.hostOf('carl');
  const observers = [await hosts.of('anna'), await hosts.of('bert')];
  const hears = (kind) =>
    Promise.all(
      observers.map(
        (cluster) => new Promise((resolve) => cluster.on(kind, (event) => event.nodeName === 'carl' && resolve())),
      ),
    );
  // A first event shows that the observers listen.
  await sleep(1000);
  for (let turn = 0; turn < rounds; turn += 1) {
    await sleep(1000 + Math.random() * 300);
    const lost = hears('node-lost');
    const pulled = performance.now();
    carl.unplug();
    await lost;
    series.noticed.add(performance.now() - pulled);
    await sleep(1000 + Math.random() * 1000);
    const joined = hears('node-joined');
    const plugged = performance.now();
    carl.plug();
    await joined;
    series.back.add(performance.now() - plugged);
    await untilWhole(hosts, names);
  }
}

if (!unavailable) await withHosts(new HostCluster(names), measure);
const summary = (one) => ({ ...one.summary(0), highest: round(Math.max(...one.values), 0) });
console.log(
  JSON.stringify(
    {
      name: 'link-loss',
      short,
      ...(unavailable ? { unavailable } : {}),
      ratios: {},
      targets: { noticedMilliseconds: 1500 },
      milliseconds: unavailable ? {} : { noticed: summary(series.noticed), back: summary(series.back) },
      machine: machineFacts(),
    },
    null,
    2,
  ),
);

// Claim: members find all others through the hash table, and one address, also when they are many: 10, 20, 40 of them in one
// process, each of which has met the first one only. From the last start, until each knows 90 % of the others and all of
// them; the processor time of that, which other work on the machine hardly changes; and that of the ten seconds after it.
// Prints JSON: {"name", "members": {"20": {"allSeeAllMilliseconds", …}}}. `--members 10,20`; `--short`: 10 only.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { loadPlugins } from '@shoal/core';
import { startControlHost } from '@shoal/core/internal/control/libp2p-host.js';
import { machineFacts } from './support/machine.mjs';

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '10,20,40' },
    deadline: { type: 'string', default: '120' },
    short: { type: 'boolean', default: false },
  },
});
const counts = values.short ? [10] : values.members.split(',').map(Number);
const deadlineMilliseconds = Number(values.deadline) * 1000;
const clusterTag = '5ea15ea15ea15ea1';
const restMilliseconds = 10_000;

async function startMember(clusterKey) {
  const plugins = await loadPlugins([{ module: '@shoal/discovery-dht' }], { resolveFrom: [import.meta.url] });
  const discovery = plugins.get('discovery', 'dht').host;
  const dht = await discovery.hostService();
  const host = await startControlHost({
    clusterKey,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    services: { dht },
    onChannel: () => undefined,
  });
  const controller = new AbortController();
  const seen = new Set();
  void (async () => {
    for await (const { kind, peerId } of discovery.watch(controller.signal)) {
      if (kind === 'seen') seen.add(peerId);
      else seen.delete(peerId);
    }
  })();
  await discovery.announce({ peerId: host.nodeId, addresses: host.addresses, clusterTag }, controller.signal);
  return {
    host,
    seen,
    async stop() {
      controller.abort();
      await host.stop();
    },
  };
}

function coreSeconds(since) {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

/** As a node's dialer does: what fails is tried again. */
async function meet(host, first) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await host.dial(first.addresses, AbortSignal.timeout(60_000));
      return;
    } catch (thrown) {
      if (attempt === 10) throw thrown;
    }
  }
}

async function measure(count) {
  const key = randomBytes(32);
  const members = [];
  const started = performance.now();
  const processorBefore = process.cpuUsage();
  try {
    for (let index = 0; index < count; index += 1) {
      const member = await startMember(key);
      if (members[0]) await meet(member.host, members[0].host);
      members.push(member);
    }
    const lastStarted = performance.now();
    const least = () => Math.min(...members.map(({ seen }) => seen.size));
    let mostly;
    let all;
    while (all === undefined && performance.now() - lastStarted < deadlineMilliseconds) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const fewest = least();
      if (fewest >= 0.9 * (count - 1)) mostly ??= performance.now() - lastStarted;
      if (fewest >= count - 1) all = performance.now() - lastStarted;
    }
    const forming = coreSeconds(processorBefore);
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, restMilliseconds));
    return {
      startingMilliseconds: Math.round(lastStarted - started),
      ninetyPercentMilliseconds: mostly === undefined ? null : Math.round(mostly),
      allSeeAllMilliseconds: all === undefined ? null : Math.round(all),
      fewestSeen: least(),
      formingCoreSecondsPerMember: Number((forming / count).toFixed(3)),
      restCorePercentPerMember: Number(((coreSeconds(before) / (restMilliseconds / 1000) / count) * 100).toFixed(2)),
    };
  } finally {
    await Promise.all(members.map((member) => member.stop()));
  }
}

const members = {};
for (const count of counts) members[count] = await measure(count);
console.log(JSON.stringify({ name: 'dht-members', machine: machineFacts(), ratios: {}, members }, undefined, 2));
process.exit(0);

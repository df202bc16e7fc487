import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  describeWorkerPlugins,
  type LoadCredentials,
  loadPlugins,
  type MemberAddress,
  type MemberEndpoint,
  type TransportListener,
  WorkerPluginSet,
} from '@shoal/core';
import { type TcpOptions, tcp } from '@shoal/transport-tcp';
import t from 'tap';

async function workerOf(options: Partial<TcpOptions>) {
  const plugins = await loadPlugins([tcp(options)], { resolveFrom: [import.meta.url] });
  t.same(await plugins.get('transport', 'tcp').host.availability(), { available: true });
  return new WorkerPluginSet(describeWorkerPlugins(plugins)).get('transport', 'tcp');
}

function credentials(): LoadCredentials {
  return { instance: randomBytes(8).toString('hex'), epoch: 1, secret: randomBytes(32).toString('hex') };
}

const members: readonly MemberAddress[] = [
  { stage: 0, member: 0 },
  { stage: 0, member: 1 },
  { stage: 1, member: 0 },
];

function endpointsOf(listeners: readonly TransportListener[]): MemberEndpoint[] {
  return listeners.map(({ endpoint }, index) => ({
    ...(members[index] ?? { stage: 9, member: 9 }),
    nodeId: `node-${index}`,
    endpoint,
  }));
}

for (const kind of ['auto', 'tcp', 'tls'] as const) {
  t.test(`three members make a mesh over ${kind}`, async (t) => {
    const worker = await workerOf({ kind });
    const shared = credentials();
    const listeners = await Promise.all(
      members.map((self) => worker.listen({ credentials: shared, self, bindAddress: '127.0.0.1' })),
    );
    t.match(listeners[0]?.endpoint, { transport: 'tcp', host: String });
    const peers = endpointsOf(listeners);
    const sets = await Promise.all(listeners.map((one) => one.connect(peers, { deadlineMilliseconds: 60_000 })));
    for (const set of sets) t.ok((set.mesh ?? 0n) > 0n);
    const [first, second] = sets;
    t.same(second?.stalledHosts?.(), []);
    first?.setHostStalled?.(true);
    const end = performance.now() + 60_000;
    while (second?.stalledHosts?.().length === 0 && performance.now() < end) await sleep(20);
    t.same(second?.stalledHosts?.(), [members[0]], 'peers hear of a host whose event loop is blocked');
    await Promise.all(sets.map((set) => set.close()));
    await Promise.all(listeners.map((one) => one.close()));
  });
}

t.test('a member that does not come is named, within the deadline', async (t) => {
  const worker = await workerOf({ kind: 'tcp' });
  const shared = credentials();
  const listeners = await Promise.all(
    members.map((self) => worker.listen({ credentials: shared, self, bindAddress: '127.0.0.1' })),
  );
  const [first] = listeners;
  const connecting = first?.connect(endpointsOf(listeners), { deadlineMilliseconds: 300 }).then(() => undefined);
  await t.rejects(connecting ?? Promise.resolve(), {
    name: 'ShoalError',
    code: /^TRANSPORT_/,
  });
  await Promise.all(listeners.map((one) => one.close()));
});

t.test('bad addresses are refused before anything is bound', async (t) => {
  const worker = await workerOf({ kind: 'tcp', bindAddress: 'localhost' });
  const self = { stage: 0, member: 0 };
  await t.rejects(worker.listen({ credentials: credentials(), self, bindAddress: '127.0.0.1' }), {
    code: 'ARGUMENT_INVALID',
    message: /bind address must be an IP address/,
  });
  const everywhere = await workerOf({ kind: 'auto' });
  await t.rejects(everywhere.listen({ credentials: credentials(), self, bindAddress: '0.0.0.0' }), {
    code: 'ARGUMENT_INVALID',
    message: /name the addresses to advertise/,
  });
});

t.test('further addresses are listened on, and those that are not here are left out', async (t) => {
  const worker = await workerOf({ kind: 'tls' });
  const load = credentials();
  const listen = (self: MemberAddress) =>
    worker.listen({
      credentials: load,
      self,
      bindAddress: '127.0.0.1',
      otherAddresses: ['127.0.0.1', '::1', '203.0.113.77', 'fe80::1%nowhere0'],
    });
  const listeners = await Promise.all(members.map(listen));
  const addresses = listeners.map(({ endpoint }) => endpoint.addresses as string[]);
  const hosts = (addresses[0] ?? []).map((address) => address.replace(/:\d+$/, ''));
  t.ok(hosts.length > 0 && hosts.every((host) => ['tls:127.0.0.1', 'tls:[::1]'].includes(host)), hosts.join(' '));
  t.equal(new Set(hosts).size, hosts.length, 'each once');
  // The first address of each peer leads nowhere: the next one is tried.
  const endpoints = endpointsOf(listeners).map(({ endpoint, ...one }) => ({
    ...one,
    endpoint: { ...endpoint, addresses: ['tls:127.0.0.1:1', ...(endpoint.addresses as string[])] },
  }));
  const sets = await Promise.all(listeners.map((one) => one.connect(endpoints, { deadlineMilliseconds: 60_000 })));
  t.equal(sets.length, members.length);
  for (const set of sets) await set.close();
});

import { randomBytes } from 'node:crypto';
import { FabricListener, type ListenOptions, type MeshHandle } from '@shoal/engine-node';
import t from 'tap';

const credentials = () => ({
  instance: randomBytes(8).toString('hex'),
  epoch: 3,
  secret: randomBytes(32).toString('hex'),
});

function listen(
  member: number,
  shared: ListenOptions['credentials'],
  kind: ListenOptions['kind'],
  rest: Partial<ListenOptions> = {},
) {
  const self = { stage: 0, member };
  return FabricListener.listen({ credentials: shared, self, bindAddress: '127.0.0.1', kind, ...rest });
}

const endpointsOf = (listeners: readonly FabricListener[]) =>
  JSON.stringify(
    listeners.map(({ endpoint }, member) => ({
      stage: 0,
      member,
      nodeId: `node-${member}`,
      endpoint: JSON.parse(endpoint) as object,
    })),
  );

const connectAll = (listeners: readonly FabricListener[], deadlineMilliseconds = 60_000): Promise<MeshHandle[]> =>
  Promise.all(listeners.map((listener) => listener.connect(endpointsOf(listeners), deadlineMilliseconds)));

const isWindows = process.platform === 'win32';

for (const kind of ['auto', 'unix', 'tcp', 'tls'] as const) {
  t.test(`three members meet over ${kind}`, { skip: isWindows && kind === 'unix' && 'no Unix sockets' }, async (t) => {
    const shared = credentials();
    const listeners = [0, 1, 2].map((member) => listen(member, shared, kind));
    const meshes = await connectAll(listeners);
    t.same(
      meshes.map(({ peers }) => peers.map(({ member }) => member)),
      [
        [1, 2],
        [0, 2],
        [0, 1],
      ],
    );
    t.equal(new Set(meshes.map(({ mesh }) => mesh)).size, 3, 'each has its own number');
    meshes[0]?.setHostStalled(true);
    await Promise.all(meshes.map((mesh) => mesh.close()));
    await Promise.all(meshes.map((mesh) => mesh.close()));
    t.throws(() => meshes[0]?.setHostStalled(true), { code: 'TRANSPORT_CLOSED' });
  });
}

t.test('an endpoint says what peers need and nothing secret', (t) => {
  const shared = credentials();
  const listener = listen(0, shared, 'auto');
  t.teardown(() => listener.close());
  const endpoint = JSON.parse(listener.endpoint) as { host: string; addresses: string[]; fingerprint?: string };
  t.ok(endpoint.host.length > 0);
  t.ok(endpoint.addresses.some((address) => address.startsWith('tcp:127.0.0.1:')));
  t.notOk(listener.endpoint.includes(shared.secret));

  const everywhere = listen(1, shared, 'tls', {
    bindAddress: '0.0.0.0',
    advertisedAddresses: ['192.0.2.7', '192.0.2.8'],
  });
  t.teardown(() => everywhere.close());
  const advertised = JSON.parse(everywhere.endpoint) as { addresses: string[]; fingerprint?: string };
  t.match(advertised.addresses, [/^tls:192\.0\.2\.7:\d+$/, /^tls:192\.0\.2\.8:\d+$/]);
  t.match(advertised.fingerprint, /^[0-9a-f]{64}$/);
  t.end();
});

t.test('peers hear of a host whose event loop is blocked, and it does not count as lost', async (t) => {
  const shared = credentials();
  const meshes = await connectAll([0, 1].map((member) => listen(member, shared, 'tcp')));
  t.teardown(() => Promise.all(meshes.map((mesh) => mesh.close())));
  const [first, second] = meshes as [MeshHandle, MeshHandle];
  t.match(second.peerStates(), [{ stage: 0, member: 0, hostStalled: false, hasLeft: false }]);
  first.setHostStalled(true);
  const deadline = Date.now() + 60_000;
  while (!second.peerStates()[0]?.hostStalled && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.match(second.peerStates(), [{ hostStalled: true, hasLeft: false }]);

  // Longer than the silence after which a peer is lost: heartbeats go on while this thread sleeps.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
  t.match(second.peerStates(), [{ hostStalled: true, hasLeft: false }]);
  while ((second.peerStates()[0]?.silenceMilliseconds ?? 0) > 1_000 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.match(second.peerStates(), [{ hostStalled: true, hasLeft: false }], 'and goes on to be heard');
});

t.test('a peer without the secret is refused by both sides', async (t) => {
  const shared = credentials();
  const listeners = [listen(0, shared, 'tcp'), listen(1, { ...shared, secret: credentials().secret }, 'tcp')];
  const outcomes = await Promise.allSettled(listeners.map((one) => one.connect(endpointsOf(listeners), 4_000)));
  const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'connected'));
  for (const code of codes) t.match(code, /^TRANSPORT_(UNAUTHENTICATED|UNREACHABLE)$/);
  t.ok(codes.includes('TRANSPORT_UNAUTHENTICATED'));
});

t.test('a peer that never comes is named', async (t) => {
  const shared = credentials();
  const listeners = [listen(0, shared, 'tcp'), listen(1, shared, 'tcp')];
  t.teardown(() => listeners[1]?.close());
  await t.rejects(listeners[0]!.connect(endpointsOf(listeners), 500), {
    code: 'TRANSPORT_UNREACHABLE',
    message: /stage 0 member 1/,
  });
});

t.test('closing gives up a connect, and a closed listener connects no more', async (t) => {
  const shared = credentials();
  const listeners = [listen(0, shared, 'tcp'), listen(1, shared, 'tcp')];
  t.teardown(() => listeners[1]?.close());
  const listener = listeners[0]!;
  const connecting = listener.connect(endpointsOf(listeners), 60_000);
  setTimeout(() => listener.close(), 50);
  await t.rejects(connecting, { code: 'TRANSPORT_ABORTED' });
  t.throws(() => listener.connect('[]', 1_000), { code: 'TRANSPORT_CLOSED' });
});

t.test('what cannot work is refused before anything is bound', (t) => {
  const shared = credentials();
  t.throws(() => listen(0, { ...shared, secret: 'short' }, 'tcp'), { code: 'ARGUMENT_INVALID', message: /secret/ });
  t.throws(() => listen(0, { ...shared, instance: 'x' }, 'tcp'), { code: 'ARGUMENT_INVALID', message: /instance/ });
  t.throws(() => listen(0, shared, 'tcp', { bindAddress: 'localhost' }), { code: 'ARGUMENT_INVALID' });
  t.throws(() => listen(0, shared, 'pigeon' as 'tcp'), { code: 'ARGUMENT_INVALID', message: /pigeon/ });
  t.throws(() => listen(0, shared, 'tls', { bindAddress: '0.0.0.0' }), {
    code: 'ARGUMENT_INVALID',
    message: /advertise/,
  });
  const listener = listen(0, shared, 'tcp');
  t.teardown(() => listener.close());
  t.throws(() => listener.connect('{', 1_000), { code: 'ARGUMENT_INVALID' });
  t.throws(() => listener.connect('[{"stage": 0}]', 1_000), { code: 'ARGUMENT_INVALID' });
  const elsewhere = { transport: 'tcp', host: 'another machine', addresses: ['tcp:127.0.0.1:9'] };
  const peers = JSON.stringify([{ stage: 1, member: 0, nodeId: 'far', endpoint: elsewhere }]);
  t.throws(() => listener.connect(peers, 1_000), { code: 'TRANSPORT_ADDRESS_INVALID', message: /node far/ });
  t.end();
});

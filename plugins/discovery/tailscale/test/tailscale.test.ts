import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Discovery, type Loss, loadPlugins, type Sighting, startNode } from '@shoal/core';
import { discoveryConformance } from '@shoal/core/conformance';
import { type TailscaleOptions, tailscale } from '@shoal/discovery-tailscale';
import { findEndpoint } from '@shoal/discovery-tailscale/internal/endpoint.js';
import { askStatus } from '@shoal/discovery-tailscale/internal/local-api.js';
import { readStatus } from '@shoal/discovery-tailscale/internal/status.js';
import { findableFault } from '@shoal/discovery-tailscale/internal/tailscale-discovery.js';
import t from 'tap';
import { StandIn, statusOf } from './stand-in.js';

const never = new AbortController().signal;

interface Heard {
  readonly events: (Sighting | Loss)[];
  readonly warnings: string[];
  readonly discovery: Discovery;
  stop(): void;
}

async function discoveryOf(options: Partial<TailscaleOptions>, warnings: string[] = []): Promise<Discovery> {
  const log = (level: string, message: string) => {
    if (level === 'warn') warnings.push(message);
  };
  const plugins = await loadPlugins([tailscale({ intervalSeconds: 0.1, ...options })], {
    resolveFrom: [import.meta.url],
    log,
  });
  return plugins.get('discovery', 'tailscale').host;
}

async function watch(options: Partial<TailscaleOptions>): Promise<Heard> {
  const warnings: string[] = [];
  const discovery = await discoveryOf(options, warnings);
  const controller = new AbortController();
  const events: (Sighting | Loss)[] = [];
  void (async () => {
    for await (const event of discovery.watch(controller.signal)) events.push(event);
  })();
  return { events, warnings, discovery, stop: () => controller.abort() };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function listen(): Promise<{ server: Server; port: number; connections: () => number }> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.on('error', () => undefined);
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, connections: () => count };
}

const here = { id: 'nHERE1CNTRL', addresses: ['127.0.0.1'] };
// Nothing listens there, on any port.
const deaf = { id: 'nDEAF1CNTRL', addresses: ['127.0.0.77'] };

t.test('the suite', async (t) => {
  const standIn = await new StandIn().start();
  t.teardown(() => standIn[Symbol.asyncDispose]());
  const open = () => discoveryOf({ socket: standIn.socket });
  for (const { name, run } of discoveryConformance({ open, announces: false })) await t.test(name, run);
});

t.test('machines that are online and listen are seen, and lost when they go offline', async (t) => {
  await using standIn = await new StandIn().start();
  const { server, port, connections } = await listen();
  t.teardown(() => server.close());
  standIn.status = statusOf([
    here,
    deaf,
    { id: 'nAWAY1CNTRL', addresses: ['127.0.0.1'], online: false },
    { id: 'nOLD01CNTRL', addresses: ['127.0.0.1'], more: { Expired: true } },
    { id: 'nGUESTCNTRL', addresses: ['127.0.0.1'], more: { ShareeNode: true } },
  ]);
  const heard = await watch({ socket: standIn.socket, port });
  t.teardown(heard.stop);
  await until(() => heard.events.length > 0);
  const addresses = [`/ip4/127.0.0.1/tcp/${port}`];
  t.same(heard.events, [{ kind: 'seen', addresses, seenBy: 'tailscale' }]);
  const asked = standIn.questions;
  await until(() => standIn.questions > asked + 3);
  t.equal(connections(), 1, 'who was seen is not looked at again');
  t.equal(heard.events.length, 1);
  standIn.status = statusOf([{ ...here, online: false }, deaf]);
  await until(() => heard.events.length > 1);
  t.same(heard.events[1], { kind: 'lost', addresses, seenBy: 'tailscale' });
  t.same(heard.warnings, []);
});

t.test('a node that starts later on a machine that is there is seen', async (t) => {
  await using standIn = await new StandIn().start();
  const { server, port } = await listen();
  server.close();
  await once(server, 'close');
  standIn.status = statusOf([here]);
  const heard = await watch({ socket: standIn.socket, port });
  t.teardown(heard.stop);
  await until(() => standIn.questions > 2);
  t.same(heard.events, []);
  server.listen(port, '127.0.0.1');
  t.teardown(() => server.close());
  await until(() => heard.events.length > 0);
  t.equal(heard.events.length, 1);
});

t.test('availability', async (t) => {
  await using standIn = await new StandIn().start();
  const discovery = await discoveryOf({ socket: standIn.socket });
  standIn.status = statusOf([here, deaf]);
  t.match(await discovery.availability?.(), {
    available: true,
    detail: 'this machine is 100.64.0.1; 2 others are online, each tried on port 4001',
  });
  const states: readonly (readonly [object, RegExp, RegExp])[] = [
    [{ BackendState: 'NeedsLogin', Self: null, Peer: null }, /logged out/, /tailscale up/],
    [{ BackendState: 'NoState' }, /logged out/, /tailscale up/],
    [{ BackendState: 'NeedsMachineAuth' }, /waits to be approved/, /admin console/],
    [{ BackendState: 'Stopped' }, /switched off/, /tailscale up/],
    [{ BackendState: 'Starting' }, /not connected \(Starting\)/, /Wait/],
    [{ TUN: false }, /without a network interface/, /userspace-networking/],
  ];
  for (const [more, reason, remedy] of states) {
    standIn.status = statusOf([], more);
    t.match(await discovery.availability?.(), { available: false, reason, remedy }, JSON.stringify(more));
  }
});

t.test('a daemon that is absent, refuses, or answers badly is a reason', async (t) => {
  const absent = join(tmpdir(), `none-${process.pid}.sock`);
  t.match(await (await discoveryOf({ socket: absent })).availability?.(), {
    available: false,
    reason: /no tailscaled runs here: .*none-\d+\.sock is not there/,
    remedy: /Install Tailscale/,
  });
  await using standIn = await new StandIn().start();
  const discovery = await discoveryOf({ socket: standIn.socket });
  const flood = Buffer.alloc(2 ** 20, 0x20);
  const cases: readonly (readonly [string, RegExp, RequestListener])[] = [
    [
      'refuses',
      /does not let this user ask: status access denied/,
      (_, r) => r.writeHead(403).end('status access denied'),
    ],
    ['wants a password', /does not let this user ask: auth required/, (_, r) => r.writeHead(401).end('auth required')],
    ['is another server', /does not answer as tailscaled does \(HTTP 404\)/, (_, r) => r.writeHead(404).end('what?')],
    ['speaks no JSON', /does not answer as tailscaled does \(HTTP 200\)/, (_, r) => r.end('<html>')],
    ['says something else', /does not answer as tailscaled does/, (_, r) => r.end('[{"BackendState": 3}]')],
    ['hangs up', /does not answer: /, (request) => request.socket.destroy()],
    [
      'hangs up in the middle',
      /does not answer: /,
      (request, r) => {
        r.writeHead(200, { 'Content-Length': 1000 });
        r.write('{');
        setTimeout(() => request.socket.destroy(), 20);
      },
    ],
    ['never answers', /no answer within 3 s/, () => undefined],
    [
      'drips',
      /no answer within 3 s/,
      (request, r) => {
        const timer = setInterval(() => r.write(' '), 100);
        request.socket.on('close', () => clearInterval(timer));
      },
    ],
    [
      'floods',
      /longer than 16 MiB/,
      (request, r) => {
        const pour = () => {
          while (!request.socket.destroyed && r.write(flood));
        };
        r.on('drain', pour);
        pour();
      },
    ],
  ];
  for (const [what, reason, instead] of cases) {
    standIn.instead = instead;
    t.match(await discovery.availability?.(), { available: false, reason }, what);
  }
});

t.test('a socket that this user may not open', { skip: isFree() && 'this user may open everything' }, async (t) => {
  await using standIn = await new StandIn().start();
  chmodSync(standIn.socket, 0);
  t.match(await (await discoveryOf({ socket: standIn.socket })).availability?.(), { reason: /this user may not open/ });
});

function isFree(): boolean {
  return process.platform === 'win32' || process.getuid?.() === 0;
}

t.test('trouble is told once, and who was seen stays', async (t) => {
  await using standIn = await new StandIn().start();
  const { server, port } = await listen();
  t.teardown(() => server.close());
  standIn.status = statusOf([here]);
  const heard = await watch({ socket: standIn.socket, port });
  t.teardown(heard.stop);
  await until(() => heard.events.length === 1);
  standIn.instead = (_, response) => response.writeHead(500).end();
  const asked = standIn.questions;
  await until(() => standIn.questions > asked + 3);
  t.equal(heard.events.length, 1);
  t.equal(heard.warnings.length, 1);
  t.match(heard.warnings[0], /HTTP 500/);
});

t.test('what is no status is passed over, machine by machine', async (t) => {
  for (const json of ['', 'null', '[]', '"x"', '{}', '{"BackendState":7}', '{"BackendState":"Running"', '\0'])
    t.equal(readStatus(json), undefined, JSON.stringify(json));
  const good = { ID: 'n1', HostName: 'a', TailscaleIPs: ['100.64.0.2', 'fd7a::2'], Online: true };
  const read = (peer: unknown) =>
    readStatus(JSON.stringify({ BackendState: 'Running', Self: null, Peer: { a: peer, b: good } }))?.online;
  const kept = { id: 'n1', name: 'a', addresses: ['100.64.0.2', 'fd7a::2'] };
  const wrong = [
    null,
    7,
    'x',
    [],
    {},
    { ...good, ID: '' },
    { ...good, ID: 9 },
    { ...good, Online: 'yes' },
    { ...good, TailscaleIPs: null },
    { ...good, TailscaleIPs: [] },
    { ...good, TailscaleIPs: ['evil.example.com', '/ip4/1.2.3.4', 3, '100.64.0.2/32'] },
  ];
  for (const peer of wrong) t.same(read(peer), [kept], JSON.stringify(peer));
  const crowd = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [index, { ...good, ID: `n${index}` }]));
  t.equal(readStatus(JSON.stringify({ BackendState: 'Running', Peer: crowd }))?.online.length, 1024);
});

t.test('a node that the others cannot find is told so', async (t) => {
  const self = { id: 'n', name: 'n', addresses: ['100.64.0.1', 'fd7a:115c:a1e0::1'] };
  t.match(findableFault(['/ip4/127.0.0.1/tcp/4001', '/ip4/192.168.1.2/tcp/4001'], self, 4001), {
    reason: /does not listen on 100\.64\.0\.1 port 4001/,
    remedy: /--listen 0\.0\.0\.0:4001/,
  });
  t.match(findableFault(['/ip4/100.64.0.1/tcp/33333/p2p/x'], self, 4001), { reason: /port 4001/ });
  t.equal(findableFault(['/ip4/100.64.0.1/tcp/4001/p2p/x'], self, 4001), undefined);
  t.equal(findableFault(['/ip6/fd7a:115c:a1e0::1/tcp/4001'], self, 4001), undefined);
  t.equal(findableFault([], self, 4001), undefined, 'it only connects to others');
  await using standIn = await new StandIn().start();
  const warnings: string[] = [];
  const discovery = await discoveryOf({ socket: standIn.socket }, warnings);
  await discovery.announce({ peerId: 'x', addresses: ['/ip4/127.0.0.1/tcp/9'], clusterTag: 'y' }, never);
  t.match(warnings, [/cannot find this one/]);
});

t.test('where the daemon listens', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ts-mac-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const source = (more: object) => ({
    platform: 'linux' as NodeJS.Platform,
    exists: () => false,
    macosFolder: folder,
    listOpenFiles: async () => '',
    ...more,
  });
  t.same(await findEndpoint(source({})), { socketPath: '/var/run/tailscale/tailscaled.sock' });
  const synology = '/var/packages/Tailscale/var/tailscaled.sock';
  t.same(await findEndpoint(source({ exists: (path: string) => path === synology })), { socketPath: synology });
  t.same(await findEndpoint(source({ platform: 'win32' })), {
    socketPath: '\\\\.\\pipe\\ProtectedPrefix\\Administrators\\Tailscale\\tailscaled',
  });
  const darwin = (more: object = {}) => findEndpoint(source({ platform: 'darwin', ...more }));
  t.same(await darwin({ exists: () => true }), { socketPath: '/var/run/tailscaled.socket' });
  t.same(await darwin(), { socketPath: '/var/run/tailscaled.socket' }, 'nothing is there');
  const lines =
    'p77\nf12\nn/Users/a/Library/Group Containers/X.group.io.tailscale.ipn.macos/sameuserproof-61577-2ae2ec\n';
  t.match(await darwin({ listOpenFiles: async () => lines }), { port: 61_577, password: '2ae2ec' });
  if (process.platform !== 'win32') {
    symlinkSync('41112', join(folder, 'ipnport'));
    t.same(await darwin(), { socketPath: '/var/run/tailscaled.socket' }, 'the password cannot be read');
    writeFileSync(join(folder, 'sameuserproof-41112'), 'secret\n');
    t.match(await darwin(), { port: 41_112, password: 'secret' });
  }
});

t.test('with a password over TCP', async (t) => {
  const expected = `Basic ${Buffer.from(':secret').toString('base64')}`;
  const server = (await import('node:http')).createServer((request, response) => {
    const isRight = request.headers.host === 'local-tailscaled.sock' && request.headers.authorization === expected;
    response.writeHead(isRight ? 200 : 403).end(isRight ? JSON.stringify(statusOf([here])) : 'bad password');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ask = (password: string) => askStatus({ port, password, where: 'a file' }, never);
  t.match(await ask('secret'), { status: { state: 'Running', online: [{ id: here.id }] } });
  const refused = await ask('wrong');
  t.match(refused, { fault: { reason: /does not let this user ask: bad password/ } });
  t.notMatch(JSON.stringify(refused), /wrong/, 'the password is no part of the message');
});

t.test('two nodes meet through it', async (t) => {
  await using standIn = await new StandIn().start();
  const { server, port } = await listen();
  server.close();
  await once(server, 'close');
  const root = mkdtempSync(join(tmpdir(), 'ts-nodes-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const clusterKey = randomBytes(32);
  const none = await loadPlugins([], { resolveFrom: [import.meta.url] });
  const common = { clusterKey, identity: 'temporary', devices: false } as const;
  const listening = { ...common, plugins: none, home: join(root, 'a'), listen: [`127.0.0.1:${port}`] };
  await using found = await startNode({ ...listening, name: 'found' });
  standIn.status = statusOf([here, deaf]);
  const plugins = await loadPlugins([tailscale({ socket: standIn.socket, port, intervalSeconds: 0.2 })], {
    resolveFrom: [import.meta.url],
  });
  await using finder = await startNode({ ...common, plugins, home: join(root, 'b'), name: 'finder', listen: [] });
  const names = async () => (await finder.service.nodes()).map(({ nodeName, state }) => `${nodeName} ${state}`).sort();
  const deadline = performance.now() + 60_000;
  while ((await names()).length < 2 && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.same(await names(), ['finder self', 'found connected']);
  t.equal(found.name, 'found');
});

t.test('options are checked', async (t) => {
  for (const options of [{ port: 0 }, { port: 70_000 }, { intervalSeconds: 0 }, { socket: '' }, { sockets: 'x' }]) {
    await t.rejects(discoveryOf(options), { code: 'PLUGIN_OPTIONS_INVALID' }, JSON.stringify(options));
  }
});

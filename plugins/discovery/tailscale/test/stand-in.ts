/** Speaks the daemon's local API over a Unix socket, as tailscaled 1.98 does, and badly when it is told to. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Peer {
  readonly id: string;
  readonly addresses: readonly string[];
  readonly online?: boolean;
  readonly more?: object;
}

/** The shape that the daemon writes; values are made up. */
function machine({ id, addresses, online = true, more = {} }: Peer): object {
  return {
    ID: id,
    PublicKey: `nodekey:${'0'.repeat(60)}${id.slice(0, 4)}`,
    HostName: `host-${id}`,
    DNSName: `host-${id}.tail0123.ts.net.`,
    OS: 'linux',
    UserID: 4_000_000_000_000_001,
    TailscaleIPs: addresses,
    AllowedIPs: addresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`),
    Addrs: [],
    CurAddr: '',
    Relay: 'fra',
    PeerRelay: '',
    RxBytes: 0,
    TxBytes: 0,
    Created: '2026-01-01T00:00:00.0Z',
    LastWrite: '0001-01-01T00:00:00Z',
    LastSeen: '0001-01-01T00:00:00Z',
    LastHandshake: '0001-01-01T00:00:00Z',
    Online: online,
    ExitNode: false,
    ExitNodeOption: false,
    Active: false,
    PeerAPIURL: [`http://${addresses[0]}:40000`],
    TaildropTarget: 5,
    NoFileSharingReason: '',
    CapMap: { 'https://tailscale.com/cap/is-admin': null },
    InNetworkMap: true,
    InMagicSock: true,
    InEngine: false,
    ...more,
  };
}

export function statusOf(peers: readonly Peer[], more: object = {}): object {
  const self = { id: 'nSELF1CNTRL', addresses: ['100.64.0.1', 'fd7a:115c:a1e0::1'] };
  return {
    Version: '1.98.9-t0123456789-g0123456789',
    TUN: true,
    BackendState: 'Running',
    HaveNodeKey: true,
    AuthURL: '',
    TailscaleIPs: self.addresses,
    Self: machine(self),
    Health: [],
    MagicDNSSuffix: 'tail0123.ts.net',
    CurrentTailnet: { Name: 'someone@example.com', MagicDNSSuffix: 'tail0123.ts.net', MagicDNSEnabled: true },
    CertDomains: null,
    Peer: Object.fromEntries(peers.map((peer) => [`nodekey:${peer.id}`, machine(peer)])),
    User: { '4000000000000001': { ID: 4_000_000_000_000_001, LoginName: 'someone@example.com' } },
    ClientVersion: null,
    ...more,
  };
}

export class StandIn implements AsyncDisposable {
  /** What the daemon says; may be changed while it runs. */
  status: object = statusOf([]);
  /** Answers instead of the daemon. */
  instead: RequestListener | undefined;
  questions = 0;
  private readonly directory = mkdtempSync(join(tmpdir(), 'ts-'));
  readonly socket =
    process.platform === 'win32'
      ? `\\\\.\\pipe\\shoal-test-${randomBytes(6).toString('hex')}`
      : join(this.directory, 'tailscaled.sock');
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      this.questions += 1;
      if (this.instead) return this.instead(request, response);
      const { host, origin, referer } = request.headers;
      // What keeps pages in browsers out.
      if (host !== 'local-tailscaled.sock' || origin !== undefined || referer !== undefined) {
        response.writeHead(403).end('invalid localapi request\n');
      } else if (request.method === 'GET' && request.url === '/localapi/v0/status') {
        response.writeHead(200, { 'Content-Type': 'application/json', 'Tailscale-Cap': '138' });
        response.end(JSON.stringify(this.status, undefined, '\t'));
      } else response.writeHead(404).end('404 page not found\n');
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(this.socket, resolve));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

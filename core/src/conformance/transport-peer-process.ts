/** A member in a process of its own, for the suite to kill. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoadCredentials, MemberAddress, MemberEndpoint, TransportEndpoint } from '../spec/transport.js';
import type { TransportUnderTest } from './transport-harness.js';

/** What the process is told first, as a line of JSON; the second line has the peers' endpoints. */
export interface PeerOrder {
  readonly module: NonNullable<TransportUnderTest['peerModule']>;
  readonly credentials: LoadCredentials;
  readonly self: MemberAddress;
}

export interface PeerProcess {
  readonly endpoint: TransportEndpoint;
  connect(peers: readonly MemberEndpoint[], deadlineMilliseconds: number): Promise<void>;
  kill(): void;
}

const startDeadlineMilliseconds = 30_000;

export async function startPeerProcess(
  module: PeerOrder['module'],
  credentials: LoadCredentials,
  self: MemberAddress,
): Promise<PeerProcess> {
  const script = fileURLToPath(new URL('transport-peer.js', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const kill = () => void child.kill('SIGKILL');
  // The process may be gone when it is written to; its missing answer tells.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (deadlineMilliseconds: number): Promise<Record<string, unknown>> => {
    const timer = setTimeout(kill, deadlineMilliseconds);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    assert.ok(!done, 'the process of the peer ended');
    const parsed = JSON.parse(value as string) as Record<string, unknown>;
    assert.equal(parsed.error, undefined, `the process of the peer: ${String(parsed.error)}`);
    return parsed;
  };
  const tell = (what: unknown) => child.stdin.write(`${JSON.stringify(what)}\n`);
  tell({ module, credentials, self } satisfies PeerOrder);
  const { endpoint } = await answer(startDeadlineMilliseconds);
  return {
    endpoint: endpoint as TransportEndpoint,
    connect: async (peers, deadlineMilliseconds) => {
      tell({ peers, deadlineMilliseconds });
      await answer(deadlineMilliseconds * 2);
    },
    kill,
  };
}

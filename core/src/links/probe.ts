/** Measures the path from one of this machine's addresses to one of another node's. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { ShoalError } from '../spec/errors.js';
import { type Burst, type BurstRate, BurstSeries } from './burst-series.js';
import {
  commandBytes,
  commandKinds,
  decodeCommand,
  encodeCommand,
  greeting,
  isProof,
  maximumBurstBytes,
  nonceBytes,
  proveProbe,
  welcomeBytes,
} from './probe-protocol.js';
import type { ProbeEndpoint } from './probe-responder.js';
import { SocketReader } from './socket-reader.js';

export interface ProbeRequest {
  /** Of the cluster (`probeKey`). */
  readonly key: Uint8Array;
  /** Which node must answer. */
  readonly nodeId: string;
  readonly endpoint: ProbeEndpoint;
  /** Address of this machine to go out from; absent: the system's choice. */
  readonly sourceAddress?: string;
  /** Of which the smallest counts: everything else that takes time only adds to it. Fewer where the path is long. */
  readonly roundTrips: number;
  /** Also send a burst. */
  readonly withBandwidth: boolean;
  readonly deadlineMilliseconds: number;
  readonly signal?: AbortSignal;
}

export interface ProbeResult {
  /** Address that it went out from. */
  readonly sourceAddress: string;
  readonly roundTripMicroseconds: number;
  /** Or why it was not measured; absent where it was not asked for. */
  readonly bandwidth?: BurstRate | { readonly reason: string };
}

/** Round trips take no more of the deadline: on a long path, little is added to each, and some are enough. */
const roundTripsPart = 1 / 3;
/** Left of the deadline for the end. */
const endMilliseconds = 20;
const writeBytes = 64 * 1024;
/** Shared by all bursts; random, so that no tunnel can compress it. */
let noise: Buffer | undefined;

/**
 * Rejects with TIMEOUT, NODE_UNREACHABLE, ABORTED, and NODE_NOT_A_MEMBER where something else than the node answers. A
 * burst that fails leaves the latency.
 */
export async function probe(request: ProbeRequest): Promise<ProbeResult> {
  const { endpoint, sourceAddress, deadlineMilliseconds, signal } = request;
  signal?.throwIfAborted();
  const started = performance.now();
  const where = `${endpoint.address} port ${endpoint.port}`;
  const socket = connect({
    host: endpoint.address,
    port: endpoint.port,
    noDelay: true,
    ...(sourceAddress === undefined ? {} : { localAddress: sourceAddress }),
  });
  let giveUp: ShoalError | undefined;
  const end = (error: ShoalError) => {
    giveUp ??= error;
    socket.destroy(error);
  };
  const late = new ShoalError('TIMEOUT', `no answer from ${where} within ${deadlineMilliseconds} ms`);
  const timer = setTimeout(() => end(late), deadlineMilliseconds);
  const onAbort = () => end(ShoalError.from(signal?.reason, 'ABORTED'));
  signal?.addEventListener('abort', onAbort, { once: true });
  const reader = new SocketReader(socket);
  try {
    await connected(socket);
    const proof = await introduce(request, socket, reader);
    const roundTripMicroseconds = await smallestRoundTrip(socket, reader, proof, {
      count: request.roundTrips,
      enoughAt: started + deadlineMilliseconds * roundTripsPart,
    });
    const result = { sourceAddress: sourceAddress ?? socket.localAddress ?? '', roundTripMicroseconds };
    if (!request.withBandwidth) return result;
    const endsAt = started + deadlineMilliseconds - endMilliseconds;
    return { ...result, bandwidth: await measureBandwidth(socket, reader, roundTripMicroseconds / 1000, endsAt) };
  } catch (thrown) {
    if (giveUp) throw giveUp;
    if (ShoalError.is(thrown)) throw thrown;
    throw new ShoalError('NODE_UNREACHABLE', `no path to ${where}: ${(thrown as Error).message}`, { cause: thrown });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

/** The proof that goes out with the first command. */
async function introduce(
  { key, nodeId, endpoint }: ProbeRequest,
  socket: Socket,
  reader: SocketReader,
): Promise<Buffer> {
  const caller = randomBytes(nonceBytes);
  socket.write(Buffer.concat([greeting, caller]));
  const welcome = await reader.read(welcomeBytes);
  const nonces = { caller, responder: welcome.subarray(0, nonceBytes) };
  if (!isProof(welcome.subarray(nonceBytes), proveProbe(key, 'responder', nodeId, nonces))) {
    throw new ShoalError('NODE_NOT_A_MEMBER', `what answers at ${endpoint.address} is another node`);
  }
  return proveProbe(key, 'caller', nodeId, nonces);
}

async function smallestRoundTrip(
  socket: Socket,
  reader: SocketReader,
  proof: Buffer,
  { count, enoughAt }: { readonly count: number; readonly enoughAt: number },
): Promise<number> {
  let smallest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < count; index += 1) {
    if (index > 0 && performance.now() > enoughAt) break;
    const started = performance.now();
    await exchange(socket, reader, commandKinds.echo, index, index === 0 ? proof : undefined);
    smallest = Math.min(smallest, (performance.now() - started) * 1000);
  }
  return smallest;
}

async function exchange(
  socket: Socket,
  reader: SocketReader,
  kind: number,
  value: number,
  before?: Buffer,
): Promise<number> {
  const command = encodeCommand(kind, value);
  socket.write(before ? Buffer.concat([before, command]) : command);
  const answer = decodeCommand(await reader.read(commandBytes));
  if (answer.kind !== kind) throw new ShoalError('TRANSPORT_PROTOCOL', 'the other side answers something else');
  return answer.value;
}

async function measureBandwidth(
  socket: Socket,
  reader: SocketReader,
  roundTripMilliseconds: number,
  endsAt: number,
): Promise<NonNullable<ProbeResult['bandwidth']>> {
  noise ??= randomBytes(writeBytes);
  const granted = await exchange(socket, reader, commandKinds.burst, maximumBurstBytes);
  if (granted === 0) return { reason: 'the other side takes no burst now' };
  const series = new BurstSeries({ roundTripMilliseconds, bytes: granted });
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, endsAt - performance.now()));
  });
  try {
    for (;;) {
      const bytes = series.next(endsAt - performance.now());
      if (bytes === undefined) break;
      const burst = await Promise.race([send(socket, reader, bytes, noise), ended]);
      if (!burst) break;
      series.add(burst);
    }
  } catch (thrown) {
    if (!series.rate()) return { reason: `a burst did not end well: ${(thrown as Error).message}` };
  } finally {
    clearTimeout(timer);
    // Not `destroy`, after which the system would send what it still holds.
    socket.resetAndDestroy();
  }
  return series.rate() ?? { reason: 'there was no time for enough bursts' };
}

async function send(socket: Socket, reader: SocketReader, bytes: number, content: Buffer): Promise<Burst> {
  const started = performance.now();
  socket.write(encodeCommand(commandKinds.round, bytes));
  for (let left = bytes; left > 0; left -= content.length) socket.write(content.subarray(0, left));
  const { kind, value } = decodeCommand(await reader.read(commandBytes));
  if (kind !== commandKinds.arrived)
    throw new ShoalError('TRANSPORT_PROTOCOL', 'the other side answers something else');
  return { bytes, elapsedMilliseconds: performance.now() - started, arrivingMilliseconds: value / 1000 };
}

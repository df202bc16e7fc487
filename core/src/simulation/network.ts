/**
 * A network between simulated nodes: connections come up and break, each end notices in its own time, and messages are
 * delayed, lost, doubled and overtake each other.
 */
import type { ConsensusMessage } from '../consensus/messages.js';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualTime } from './virtual-time.js';

export interface Weather {
  readonly leastDelay: number;
  readonly mostDelay: number;
  /** Probabilities for one message. */
  readonly loss: number;
  readonly duplication: number;
  /** How late each end notices that a connection broke, at most. */
  readonly mostNoticeDelay: number;
}

export const calm: Weather = { leastDelay: 1, mostDelay: 40, loss: 0, duplication: 0, mostNoticeDelay: 200 };

/** What the network tells a node. */
export interface NetworkEnd {
  connected(nodeId: string): void;
  disconnected(nodeId: string): void;
  receive(from: string, message: ConsensusMessage): void;
}

interface Connection {
  readonly ends: readonly [string, string];
  broken: boolean;
  /** Ends that know of the connection. */
  readonly known: Set<string>;
}

const mostConnectDelay = 300;
const mostRedialDelay = 1000;

export class Network {
  weather: Weather = calm;
  messageCount = 0;
  private readonly ends = new Map<string, NetworkEnd>();
  private readonly connections = new Map<string, Connection>();
  /** Pairs that want to connect but wait, to redial or for one end to notice the break. */
  private readonly dialing = new Set<string>();

  constructor(
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
    /** Whether a connection between two nodes is possible now. */
    private readonly isPassable: (one: string, other: string) => boolean,
    private readonly trace: (line: () => string) => void,
  ) {}

  attach(nodeId: string, end: NetworkEnd): void {
    this.ends.set(nodeId, end);
  }

  /** A process ended: its peers notice in their own time. */
  detach(nodeId: string): void {
    this.ends.delete(nodeId);
    for (const connection of this.connections.values()) {
      if (!connection.ends.includes(nodeId)) continue;
      connection.known.delete(nodeId);
      this.break(connection);
    }
  }

  /** What may connect does, what may not breaks. */
  update(nodeIds: readonly string[]): void {
    for (const [index, one] of nodeIds.entries()) {
      for (const other of nodeIds.slice(index + 1)) {
        const connection = this.connections.get(pairKey(one, other));
        if (connection && !this.isPassable(one, other)) this.break(connection);
        if (!connection && this.isPassable(one, other)) this.dial(one, other);
      }
    }
  }

  neighbours(nodeId: string): string[] {
    const found: string[] = [];
    for (const { ends, known } of this.connections.values()) {
      if (known.has(nodeId)) found.push(ends[0] === nodeId ? ends[1] : ends[0]);
    }
    return found;
  }

  send(from: string, to: string, message: ConsensusMessage): void {
    this.messageCount++;
    const connection = this.connections.get(pairKey(from, to));
    if (!connection?.known.has(from) || connection.broken || this.random.chance(this.weather.loss)) return;
    const copies = this.random.chance(this.weather.duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) this.deliver(connection, from, to, message, this.delay());
  }

  private deliver(connection: Connection, from: string, to: string, message: ConsensusMessage, delay: number): void {
    this.time.schedule(delay, () => {
      if (connection.broken) return;
      // The other end has not finished its handshake.
      if (!connection.known.has(to)) return this.deliver(connection, from, to, message, 10);
      this.trace(() => `${from} → ${to} ${JSON.stringify(message)}`);
      this.ends.get(to)?.receive(from, message);
    });
  }

  private delay(): number {
    const { leastDelay, mostDelay } = this.weather;
    // Most messages are quick, some are very late.
    return leastDelay + (mostDelay - leastDelay) * this.random.next() ** 3;
  }

  private dial(one: string, other: string): void {
    const key = pairKey(one, other);
    if (this.dialing.has(key)) return;
    this.dialing.add(key);
    this.time.schedule(this.random.between(0, mostRedialDelay), () => {
      this.dialing.delete(key);
      if (this.connections.has(key) || !this.isPassable(one, other)) return;
      const connection: Connection = { ends: [one, other], broken: false, known: new Set() };
      this.connections.set(key, connection);
      for (const [self, peer] of [
        [one, other],
        [other, one],
      ] as const) {
        this.time.schedule(this.random.between(0, mostConnectDelay), () => {
          if (connection.broken) return;
          connection.known.add(self);
          this.trace(() => `${self} is connected to ${peer}`);
          this.ends.get(self)?.connected(peer);
        });
      }
    });
  }

  private break(connection: Connection): void {
    if (connection.broken) return;
    connection.broken = true;
    const [one, other] = connection.ends;
    this.notice(connection, one, other);
    this.notice(connection, other, one);
  }

  private notice(connection: Connection, self: string, peer: string): void {
    this.time.schedule(this.random.between(0, this.weather.mostNoticeDelay), () => {
      const knew = connection.known.delete(self);
      const key = pairKey(self, peer);
      if (connection.known.size === 0 && this.connections.get(key) === connection) {
        this.connections.delete(key);
        if (this.isPassable(self, peer)) this.dial(self, peer);
      }
      if (!knew) return;
      this.trace(() => `${self} has lost ${peer}`);
      this.ends.get(self)?.disconnected(peer);
    });
  }
}

function pairKey(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

/** A few nodes that agree, under a virtual clock and over a network that is always calm. */
import { Consensus } from '@shoal/core/internal/consensus/consensus.js';
import type { ConsensusMessage } from '@shoal/core/internal/consensus/messages.js';
import type { Leader } from '@shoal/core/internal/consensus/options.js';
import { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';
import { VirtualTime } from '@shoal/core/internal/simulation/virtual-time.js';

export interface TogetherNode {
  readonly consensus: Consensus;
  readonly leaders: Leader[];
  stop(): void;
}

export function together(count: number, options: { stands?: readonly boolean[] } = {}) {
  const time = new VirtualTime();
  const sent: ConsensusMessage[] = [];
  const links = new Map<string, Set<string>>();
  const nodes: TogetherNode[] = [];
  const find = (nodeId: string) => nodes[Number(nodeId.slice(1)) - 1]?.consensus;
  for (let index = 0; index < count; index++) {
    const nodeId = `n${index + 1}`;
    const neighbours = new Set<string>();
    links.set(nodeId, neighbours);
    const leaders: Leader[] = [];
    const consensus = new Consensus({
      nodeId,
      incarnation: 1,
      fact: {
        nodeName: nodeId,
        softwareVersion: '0.1.0',
        offersDevices: true,
        departed: false,
        seniority: 0,
        instances: [],
      },
      stands: options.stands?.[index] ?? true,
      clock: time,
      random: new SeededRandom(index),
      bus: {
        neighbours: () => [...neighbours],
        send(to, message) {
          sent.push(message);
          time.schedule(1, () => {
            if (neighbours.has(to)) find(to)?.receive(nodeId, message);
          });
        },
      },
      observer: { leaderChanged: (leader) => leaders.push(leader), stateChanged: () => undefined },
    });
    nodes.push({
      consensus,
      leaders,
      stop() {
        consensus.stop();
        for (const other of [...neighbours]) disconnect(nodeId, other);
      },
    });
  }
  const connect = (one: string, other: string) => {
    if (one === other || links.get(one)?.has(other)) return;
    links.get(one)?.add(other);
    links.get(other)?.add(one);
    find(one)?.connected(other);
    find(other)?.connected(one);
  };
  const disconnect = (one: string, other: string) => {
    links.get(one)?.delete(other);
    links.get(other)?.delete(one);
    find(one)?.disconnected(other);
    find(other)?.disconnected(one);
  };
  const ids = [...links.keys()];
  for (const { consensus } of nodes) consensus.start();
  return {
    nodes,
    sent,
    time,
    run: (milliseconds: number) => time.runUntil(time.now() + milliseconds),
    connect,
    disconnect,
    connectAll(indices: readonly number[] = ids.map((_, index) => index)) {
      for (const one of indices) for (const other of indices) connect(`n${one + 1}`, `n${other + 1}`);
    },
    connectOne(index: number) {
      for (const other of ids) if (other !== `n${index + 1}`) connect(`n${index + 1}`, other);
    },
  };
}

/** Paths between nodes: measured links where there are any, else what is typical of their kind, and marked as such. */
import { referenceMessageBytes, typicalLinks } from '../links/typical-links.js';
import type { Measured } from '../spec/backend.js';
import type { Link, LinkKind } from '../spec/link.js';
import type { PlacementNode } from './request.js';
import { type FigureSource, lessCertain } from './speed.js';

export interface Path {
  readonly kind: LinkKind;
  /** One way. */
  readonly latencySeconds: number;
  readonly bytesPerSecond: number;
  /** The less certain of what both figures are from; `table`: nothing was measured. */
  readonly source: FigureSource;
}

/** Time on the way, without what both ends do for it. */
export function transferSeconds({ latencySeconds, bytesPerSecond }: Path, bytes: number): number {
  return latencySeconds + bytes / bytesPerSecond;
}

export class Paths {
  readonly #links = new Map<string, Map<string, Path>>();
  readonly #local = typicalPath('shared-memory');
  readonly #sameMachine = typicalPath('loopback');
  readonly #unknown = typicalPath('unknown');

  constructor(links: readonly Link[] = []) {
    for (const link of links) {
      const path = pathOf(link);
      const to = this.#links.get(link.from.nodeId) ?? new Map<string, Path>();
      this.#links.set(link.from.nodeId, to);
      const known = to.get(link.to.nodeId);
      const isBetter =
        known === undefined ||
        transferSeconds(path, referenceMessageBytes) < transferSeconds(known, referenceMessageBytes);
      if (isBetter) to.set(link.to.nodeId, path);
    }
  }

  /** The fastest path; the way back is not always as fast. */
  between(from: PlacementNode, to: PlacementNode): Path {
    if (from === to || from.nodeId === to.nodeId) return this.#links.get(from.nodeId)?.get(from.nodeId) ?? this.#local;
    const known = this.#links.get(from.nodeId)?.get(to.nodeId);
    if (known !== undefined) return known;
    return isOneMachine(from, to) ? this.#sameMachine : this.#unknown;
  }

  /** Whether something is known of the way: that it was measured, or that it stays inside a machine. */
  isKnown(from: PlacementNode, to: PlacementNode): boolean {
    if (from.nodeId === to.nodeId || isOneMachine(from, to)) return true;
    const path = this.#links.get(from.nodeId)?.get(to.nodeId);
    return path !== undefined && path.source !== 'table';
  }

  /** Whether two nodes reach each other directly; without any link, all count as doing so. */
  areJoined(left: PlacementNode, right: PlacementNode): boolean {
    if (!this.hasLinks || left.nodeId === right.nodeId || isOneMachine(left, right)) return true;
    return this.#links.get(left.nodeId)?.has(right.nodeId) === true;
  }

  /** Whether any link was given: without, every node counts as joined with every other. */
  get hasLinks(): boolean {
    return this.#links.size > 0;
  }
}

export function isOneMachine(left: PlacementNode, right: PlacementNode): boolean {
  return left.machineId !== undefined && left.machineId === right.machineId;
}

function pathOf({ kind, latencyMicroseconds, bandwidthBytesPerSecond }: Link): Path {
  const table = typicalPath(kind);
  const known = (measured: Measured): measured is Extract<Measured, { value: number }> =>
    'value' in measured && measured.value > 0;
  const hasLatency = known(latencyMicroseconds);
  const hasBandwidth = known(bandwidthBytesPerSecond);
  return {
    kind,
    latencySeconds: hasLatency ? latencyMicroseconds.value * 1e-6 : table.latencySeconds,
    bytesPerSecond: hasBandwidth ? bandwidthBytesPerSecond.value : table.bytesPerSecond,
    source: lessCertain(
      hasLatency ? latencyMicroseconds.source : 'table',
      hasBandwidth ? bandwidthBytesPerSecond.source : 'table',
    ),
  };
}

function typicalPath(kind: LinkKind): Path {
  const { microseconds, bytesPerSecond } = typicalLinks[kind];
  return { kind, latencySeconds: microseconds * 1e-6, bytesPerSecond, source: 'table' };
}

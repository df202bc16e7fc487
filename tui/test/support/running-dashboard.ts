/** A dashboard over a cluster that answers as a test has it, on a display that is text. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeService } from '@shoal/core';
import { allScreens } from '@shoal/tui/internal/screens/all-screens.js';
import { Dashboard } from '@shoal/tui/internal/shell/dashboard.js';
import { ClusterSource } from '@shoal/tui/internal/source/source.js';
import { Cluster } from 'shoal';
import { look, MemoryDisplay } from './memory-display.js';
import { cluster as looked, topology } from './sample.js';

export type Services = Partial<Record<keyof NodeService, (...given: never[]) => unknown>>;

/** A cluster whose node answers so; what it is not told to answer, it never does. */
export function clusterOf(service: Services): Cluster {
  const silent = () => new Promise<never>(() => undefined);
  const all = new Proxy(service, {
    get: (target, name) => (name === 'nodeId' ? 'anna-id' : (Reflect.get(target, name) ?? silent)),
  });
  return new Cluster({
    service: all as unknown as NodeService,
    nodeName: 'anna',
    home: '/nowhere',
    addresses: () => [],
    close: async () => undefined,
  });
}

export async function* nothing(signal: AbortSignal): AsyncGenerator<never> {
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

export const answers: Services = {
  nodes: async () => looked.nodes,
  instances: async () => looked.instances,
  state: async () => looked.state,
  readiness: async () => ({ nodes: [], transport: { name: 'tcp' } }),
  topology: async () => topology.topology,
  statistics: async () => [],
  watch: nothing,
  logs: (_request: unknown, signal: AbortSignal) => nothing(signal),
};

export interface Running {
  readonly display: MemoryDisplay;
  readonly shows: (wanted: RegExp | ((screen: string) => boolean)) => Promise<void>;
  /** Resolves when it was left. */
  readonly over: Promise<void>;
}

/** Runs a dashboard while the test looks at it. */
export async function withDashboard(
  connect: () => Promise<Cluster>,
  look_: (running: Running) => Promise<void>,
  { columns = 100, rows = 30, intervalMilliseconds = 250 } = {},
): Promise<void> {
  let display: MemoryDisplay | undefined;
  const dashboard = new Dashboard({
    source: (emit) => new ClusterSource({ connect, needsPeers: false, emit, intervalMilliseconds }),
    display: (observer) => {
      display = new MemoryDisplay(observer, columns, rows);
      return display;
    },
    look,
    screens: allScreens,
    intervalMilliseconds,
  });
  const ended = new AbortController();
  const running = dashboard.run(ended.signal);
  try {
    const shown = display as unknown as MemoryDisplay;
    await look_({
      display: shown,
      over: running,
      async shows(wanted) {
        const end = performance.now() + 60_000;
        const isShown = typeof wanted === 'function' ? wanted : (screen: string) => wanted.test(screen);
        while (!isShown(shown.screen)) {
          if (performance.now() > end) throw new Error(`never shown: ${wanted}\n${shown.screen}`);
          await sleep(10);
        }
      },
    });
  } finally {
    ended.abort();
    await running;
  }
}

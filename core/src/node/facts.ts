/** What a node says about itself. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { arch, hostname, platform, totalmem } from 'node:os';
import type { MachineConditions, MachineFacts } from '../machine/machine.js';
import { readWithin } from '../machine/reading.js';
import type { PlacementDevice } from '../placement/request.js';
import type { LoadedPlugin, PluginSet } from '../runtime/plugin-set.js';
import type { Backend, DeviceProperties } from '../spec/backend.js';
import type { DevicePaths } from '../spec/link.js';
import type { PluginKind } from '../spec/plugin.js';
import type { Transport, TransportAvailability, TransportReach } from '../spec/transport.js';

/** Everything that planning needs of a node; JSON. */
export interface NodeFacts {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly softwareVersion: string;
  /** Equal for nodes on one machine. */
  readonly machineId: string;
  /** Equal for nodes in one process. */
  readonly processId: string;
  /** For example `linux-x64`. */
  readonly platform: string;
  readonly machine?: MachineFacts;
  /** How the machine fares now. */
  readonly conditions?: MachineConditions;
  /** How the machine's devices are joined; not told to who asks about a model. */
  readonly devicePaths?: DevicePaths;
  /** Empty for a node that only asks. */
  readonly devices: readonly PlacementDevice[];
  readonly transports: readonly TransportFacts[];
  readonly engines: readonly { readonly name: string; readonly unavailableReason?: string }[];
  readonly plugins: readonly { readonly kind: PluginKind; readonly name: string; readonly version: string }[];
  /** The model that was asked about. */
  readonly model?: ModelFacts;
}

export interface TransportFacts {
  readonly name: string;
  /** Higher is tried first. */
  readonly preference: number;
  readonly reach: TransportReach;
  readonly availability: TransportAvailability;
}

/** Whether the node has the model's files. */
export type ModelFacts =
  | { readonly found: true; readonly directory: string; readonly name: string; readonly digest: string }
  | { readonly found: false; readonly code: string; readonly message: string };

/** A node as others see it; JSON. */
export interface NodeSummary {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly softwareVersion: string;
  readonly addresses: readonly string[];
  /**
   * `self` is the node that answers; `stalled` is connected but silent for a while, for example because its event loop is
   * blocked; `unreachable` was lost or is said to be there, and does not answer; `refused` cannot be a member.
   */
  readonly state: 'self' | 'connected' | 'stalled' | 'unreachable' | 'refused';
  /** It leads the cluster. */
  readonly isLeader?: boolean;
  /** How large a cluster it has led; −1: it does not stand for leader. */
  readonly seniority?: number;
  /** Why it takes no new shares. */
  readonly cordoned?: string;
  /** Present while it is drained: how many instances it still has a part in. */
  readonly draining?: { readonly remainingInstances: number };
  /** Why its instances take no new requests. */
  readonly paused?: string;
  /** Why it is refused or unreachable. */
  readonly code?: string;
  /** The same in words, or what is not as it should be with a node that is connected. */
  readonly message?: string;
}

const probeDeadlineMilliseconds = 10_000;
/** A driver that does not answer must not hold up a plan. */
const telemetryDeadlineMilliseconds = 2000;

/** Asks the plugins. One that breaks its promise not to throw counts as absent, and the log says so. */
export async function describePlugins(
  plugins: PluginSet,
  options: { readonly withDevices: boolean; readonly log: (message: string) => void },
): Promise<Pick<NodeFacts, 'devices' | 'transports' | 'engines' | 'plugins'>> {
  const engines = await Promise.all(
    plugins.of('engine').map(async ({ name, host }) => {
      const unavailableReason = await host.unavailableReason().catch((thrown: unknown) => String(thrown));
      return { name, ...(unavailableReason === undefined ? {} : { unavailableReason }) };
    }),
  );
  const devices = options.withDevices
    ? await Promise.all(
        plugins.of('backend').map(async ({ name, host }): Promise<PlacementDevice[]> => {
          try {
            const signal = AbortSignal.timeout(probeDeadlineMilliseconds);
            const properties = await host.probe(signal);
            const known = await Promise.all(properties.map((one) => withTelemetry(host, one, signal)));
            return known.map((one) => ({ backend: name, capabilities: host.capabilities, properties: one }));
          } catch (thrown) {
            options.log(`backend ${name} cannot be probed: ${String(thrown)}`);
            return [];
          }
        }),
      )
    : [];
  const transports = await Promise.all(plugins.of('transport').map(transportFacts));
  return {
    devices: devices.flat(),
    transports,
    engines,
    plugins: plugins.all.map(({ kind, name, version }) => ({ kind, name, version })),
  };
}

/** How the device fares, where its library tells. */
async function withTelemetry(
  host: Backend,
  properties: DeviceProperties,
  signal: AbortSignal,
): Promise<DeviceProperties> {
  if (!properties.available || host.telemetry === undefined) return properties;
  const telemetry = await readWithin(
    telemetryDeadlineMilliseconds,
    async () => host.telemetry?.(properties.id, signal),
    () => undefined,
  );
  return telemetry === undefined ? properties : { ...properties, telemetry };
}

async function transportFacts({ name, host, isolation }: LoadedPlugin<'transport'>): Promise<TransportFacts> {
  const { preference } = host;
  // Plain JavaScript may leave it out.
  const reach = (host as Partial<Transport>).reach ?? 'network';
  const availability = await host.availability().catch((thrown: unknown) => ({
    available: false as const,
    reason: `its plugin fails: ${String(thrown)}`,
  }));
  const isApart = reach === 'process' && isolation === 'process';
  const reason = 'workers run in processes of their own unless its entry has "isolation": "none"';
  return { name, preference, reach, availability: isApart ? { available: false, reason } : availability };
}

const processKey = Symbol.for('shoal.process-id');
const shared = globalThis as { [processKey]?: string };
shared[processKey] ??= randomBytes(8).toString('hex');

/** Identifies what shares this memory: a process, or one of its threads. */
export const processId: string = shared[processKey];

/** Identifies the machine while it runs; says nothing else about it. */
export async function machineId(): Promise<string> {
  const seed = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() =>
    // Where there is no boot id: what two machines of one network hardly share.
    [hostname(), platform(), arch(), totalmem()].join('\0'),
  );
  return createHash('sha256').update('shoal machine\0').update(seed).digest('hex').slice(0, 16);
}

export const platformName = `${platform()}-${arch()}`;

/** What a node is started with. */
import type { MachineSource } from '../machine/source.js';
import type { PluginSet } from '../runtime/plugin-set.js';
import type { ApiSettings } from '../spec/api.js';
import type { NodeLog } from './log.js';
import type { ReplanningOptions } from './replanning.js';

export interface NodeOptions {
  readonly plugins: PluginSet;
  /** SHOAL_HOME unless given. */
  readonly home?: string | undefined;
  /** Shown to people; the machine's name unless given. */
  readonly name?: string | undefined;
  /** Addresses to listen on; loopback unless given. An empty list: only outgoing connections. */
  readonly listen?: readonly string[] | undefined;
  /** Addresses of nodes to join. */
  readonly peers?: readonly string[] | undefined;
  /** 32 bytes; the home's cluster.key unless given. */
  readonly clusterKey?: Uint8Array | undefined;
  /** `lasting` is kept in the home, and one process at a time may have it; `temporary` ends with the process. */
  readonly identity?: 'lasting' | 'temporary' | undefined;
  /** Whether it may lead the cluster while others stand for it; default: with a lasting identity. */
  readonly stands?: boolean | undefined;
  /** Whether this node's devices may compute; default true. */
  readonly devices?: boolean | undefined;
  /** Whether other programs of this machine may attach; default: with a lasting identity. */
  readonly localSocket?: boolean | undefined;
  /** How its APIs serve, false: not at all; default: as their plugins say, with a lasting identity. */
  readonly apis?: ApiSettings | false | undefined;
  /** Folders that hold models by name, besides the home's. */
  readonly modelLibraries?: readonly string[] | undefined;
  /** Where the machine's sensors are read; the system's own unless given. */
  readonly machine?: MachineSource | undefined;
  /** Addresses for workers of other nodes, best first; they follow `listen` unless given. */
  readonly dataAddress?: string | readonly string[] | undefined;
  /** Whether instances move to better plans by themselves (docs/placement.md); by default where that clearly pays. */
  readonly replanning?: ReplanningOptions | undefined;
  /** Takes what happens; made by the node unless given. */
  readonly log?: NodeLog | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What readers say of a machine; all of it is JSON. */
import type { Measured } from '../spec/backend.js';
import type { ConditionsHistory } from './conditions-history.js';
import type { Known } from './reading.js';

/** What does not change while the machine is up, or hardly. */
export interface MachineFacts {
  readonly processor: ProcessorFacts;
  readonly memory: MachineMemory;
}

export interface ProcessorFacts {
  readonly name: Known<string>;
  /** Hardware threads of the machine. */
  readonly logicalCores: Measured;
  readonly physicalCores: Measured;
  /** Hardware threads that this process may keep busy. */
  readonly usableCores: Measured;
  /** What bounds them, for people; absent where nothing does. */
  readonly usableCoresLimit?: string;
  /** Names as the operating system spells them. */
  readonly instructionSets: Known<readonly string[]>;
  readonly lastLevelCacheBytes: Measured;
}

export interface MachineMemory {
  /** Of the whole machine. */
  readonly totalBytes: Measured;
  /** Of the whole machine: what can be had without swapping. */
  readonly freeBytes: Measured;
  /** Most that this process and its children may ever take. */
  readonly processTotalBytes: Measured;
  /** What they may still take now. */
  readonly processAvailableBytes: Measured;
  /** What bounds them below the machine's memory, the tightest first. */
  readonly limits: readonly MemoryLimit[];
}

export interface MemoryLimit {
  /** For people: `control group /docker/3f…`. */
  readonly name: string;
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/** How a machine fares while it works. */
export interface MachineConditions {
  /** Milliseconds since 1970. */
  readonly readAt: number;
  /** Share of all cores that was busy over the last seconds with what is not this node's work: 0 to 1. */
  readonly loadByOthers: Measured;
  /** The same of what is this node's own work: other nodes of its machine take it for others'. */
  readonly loadByNode?: Measured;
  readonly temperature: Temperature;
  readonly heat: HeatState;
  readonly power: PowerDraw;
  readonly battery: Known<BatteryState>;
  /** The last minutes, as far as they were looked at; absent: it does not tell. */
  readonly history?: ConditionsHistory;
}

export interface Temperature {
  /** The hottest sensor of the processor. */
  readonly celsius: Measured;
  readonly sensor?: string;
  /** Where the machine begins to protect itself. */
  readonly limitCelsius?: number;
}

export interface HeatState {
  /** Whether the machine slows itself down because of heat. */
  readonly throttled: Known<boolean>;
  /** What is left of its speed then, where the system says so. */
  readonly speedFactor: Measured;
}

export interface PowerDraw {
  readonly watts: Measured;
  /** What is measured: a processor package, or the whole machine from its battery. */
  readonly sensor?: string;
}

export type BatteryState =
  | { readonly present: false }
  | {
      readonly present: true;
      /** Whether it feeds the machine now. */
      readonly discharging: boolean;
      readonly chargePercent: Measured;
      /** Whether the user asked the system to save power; absent where that is not known. */
      readonly isSavingPower?: boolean;
    };

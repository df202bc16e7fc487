/** The cluster's machines: what each has, how it fares, and how fast its devices are. */
import type {
  AttentionRate,
  Derating,
  DeviceKind,
  DeviceRate,
  MachineConditions,
  MachineFacts,
  Measured,
  NodeFacts,
  NodeService,
  PlacementDevice,
} from '@shoal/core';
import { deratingsByMachine } from '@shoal/core/client';

/** A node's machine. */
export interface MachineReport {
  readonly nodeId: string;
  readonly nodeName: string;
  /** Equal for nodes on one machine. */
  readonly machineId?: string;
  readonly machine?: MachineFacts;
  readonly conditions?: MachineConditions;
  /** What plans count on of its speed, and why; absent: all of it. */
  readonly derating?: { readonly factor: number; readonly reason: string };
  readonly devices: readonly DeviceReport[];
  /** Why nothing more is known of it. */
  readonly silent?: string;
}

/** A device, or why it is not there. */
export interface DeviceReport {
  readonly backend: string;
  readonly deviceId: string;
  /** Why it cannot be used; the rest is absent then. */
  readonly unavailable?: string;
  readonly kind?: DeviceKind;
  readonly name?: string;
  readonly memoryTotalBytes?: Measured;
  readonly memoryAvailableBytes?: Measured;
  readonly memoryBandwidthBytesPerSecond?: Measured;
  /** With its own kernels; empty where nothing was measured yet. */
  readonly rates?: readonly DeviceRate[];
  readonly operationOverheadMicroseconds?: Measured;
  /** For some sizes of heads. */
  readonly attention?: readonly AttentionRate[];
  /** Why something that was asked for could not be measured. */
  readonly problem?: string;
}

/** Asks every node. */
export async function machinesOf(service: NodeService, signal?: AbortSignal): Promise<readonly MachineReport[]> {
  const { nodes } = await service.readiness(undefined, signal, { factsOnly: true });
  const deratings = deratingsByMachine(nodes.flatMap(({ facts }) => facts ?? []));
  return nodes.map(({ nodeId, nodeName, facts, silent }): MachineReport => {
    if (facts === undefined) return { nodeId, nodeName, devices: [], silent: silent ?? 'it does not describe itself' };
    return { nodeId, nodeName, ...reportOf(facts, deratings.get(nodeId)) };
  });
}

function reportOf(
  { machineId, machine, conditions, devices }: NodeFacts,
  derating: Derating | undefined,
): Omit<MachineReport, 'nodeId' | 'nodeName'> {
  return {
    machineId,
    ...(machine === undefined ? {} : { machine }),
    ...(conditions === undefined ? {} : { conditions }),
    ...(derating === undefined ? {} : { derating }),
    devices: devices.map((device) => deviceReport(device)),
  };
}

export function deviceReport({ backend, properties }: PlacementDevice, problem?: string): DeviceReport {
  if (!properties.available) return { backend, deviceId: properties.id, unavailable: properties.reason };
  const {
    id: deviceId,
    kind,
    name,
    memoryTotalBytes,
    memoryAvailableBytes,
    memoryBandwidthBytesPerSecond,
  } = properties;
  const { rates = [], operationOverheadMicroseconds, attention } = properties;
  return {
    backend,
    deviceId,
    kind,
    name,
    memoryTotalBytes,
    memoryAvailableBytes,
    memoryBandwidthBytesPerSecond,
    rates,
    ...(operationOverheadMicroseconds === undefined ? {} : { operationOverheadMicroseconds }),
    ...(attention === undefined ? {} : { attention }),
    ...(problem === undefined ? {} : { problem }),
  };
}

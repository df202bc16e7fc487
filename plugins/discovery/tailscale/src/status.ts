/** What is used of the daemon's status (`ipnstate.Status` of tailscale.com), read from JSON that may be anything. */
import { isIP } from 'node:net';

export interface Machine {
  /** Stable in the tailnet. */
  readonly id: string;
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface TailnetStatus {
  /** `Running` when all is well. */
  readonly state: string;
  /** Whether the system has an interface of the tailnet; without, only the daemon itself reaches others. */
  readonly hasInterface: boolean;
  readonly self: Machine | undefined;
  /** Other machines that are connected to the tailnet. */
  readonly online: readonly Machine[];
}

/** A tailnet of a company is larger; the machines of a cluster are fewer. */
const maximumMachines = 1024;
const maximumAddresses = 8;

/** Undefined for what is no status. */
export function readStatus(json: string): TailnetStatus | undefined {
  const status = objectOf(parse(json));
  const { BackendState: state, TUN: tun, Self: self, Peer: peers } = status;
  if (typeof state !== 'string') return undefined;
  const online = Object.values(objectOf(peers)).flatMap((peer) => {
    const { Online: isOnline, Expired: isExpired, ShareeNode: isSharee } = objectOf(peer);
    // Those with whom a machine is shared come to it, and cannot be come to.
    return isOnline === true && isExpired !== true && isSharee !== true ? machinesOf(peer) : [];
  });
  return {
    state,
    hasInterface: tun !== false,
    self: machinesOf(self)[0],
    online: online.slice(0, maximumMachines),
  };
}

/** One machine, or none if it has no address. */
function machinesOf(value: unknown): Machine[] {
  const { ID: id, HostName: name, TailscaleIPs: list } = objectOf(value);
  if (typeof id !== 'string' || id === '' || !Array.isArray(list)) return [];
  const addresses = list.filter((address): address is string => typeof address === 'string' && isIP(address) !== 0);
  if (addresses.length === 0) return [];
  return [{ id, name: typeof name === 'string' ? name : id, addresses: addresses.slice(0, maximumAddresses) }];
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

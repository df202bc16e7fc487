import {
  type ChannelSet,
  type EngineEvent,
  type EngineWorker,
  type Member,
  type MemberOptions,
  ShoalError,
} from '@shoal/core';
import type { MemberObjects } from '@shoal/engine-node';
import { NativeMember } from './native-member.js';

type Addon = typeof import('@shoal/engine-node');

/** Something native that lets JavaScript do its work, and must live as long as the member that uses it. */
interface Shim {
  close(): void;
}

/**
 * Signs of life of a channel in JavaScript pass through the event loop, where a device in JavaScript may be computing:
 * silence means less than it does on a native channel.
 */
const scriptSilenceLimitMilliseconds = 15_000;

/** Worker half: loads a shard into a native member. */
export class NativeEngineWorker implements EngineWorker {
  async createMember(options: MemberOptions, signal: AbortSignal): Promise<Member> {
    signal.throwIfAborted();
    const { device, channels, onEvent, ...plain } = options;
    const shims: Shim[] = [];
    try {
      const addon = await import('@shoal/engine-node');
      const objects: MemberObjects = {
        device: deviceTable(addon, device, shims),
        ...connectionOf(addon, channels, shims),
      };
      const isScript = channels.mesh === undefined && channels.channels.some(({ kind }) => kind === 'script');
      const limits = isScript ? { silenceLimitMilliseconds: scriptSilenceLimitMilliseconds } : {};
      const emit = (eventJson: string): void => onEvent(JSON.parse(eventJson) as EngineEvent);
      const handle = await addon.createMember(JSON.stringify({ ...plain, ...limits }), objects, emit, signal);
      return new NativeMember(handle, shims);
    } catch (thrown) {
      for (const shim of shims) shim.close();
      throw ShoalError.from(thrown, 'ENGINE_LOAD_FAILED');
    }
  }
}

/** A backend in TypeScript gets a native table that calls it. */
function deviceTable(addon: Addon, device: MemberOptions['device'], shims: Shim[]): bigint {
  if (device.kind === 'native') return device.table;
  const shim = addon.createScriptDevice(device);
  shims.push(shim);
  return shim.table;
}

/** A mesh watches its peers already; of single channels the native member makes one. */
function connectionOf(addon: Addon, set: ChannelSet, shims: Shim[]): Pick<MemberObjects, 'mesh' | 'channels'> {
  if (set.mesh !== undefined) return { mesh: set.mesh };
  const channels = set.channels.map((channel) => {
    if (channel.kind === 'native') return { ...channel.peer, table: channel.table };
    const shim = addon.createScriptChannel(channel);
    shims.push(shim);
    return { ...channel.peer, table: shim.table };
  });
  return { channels };
}

import { type EngineEvent, type EngineWorker, type Member, type MemberOptions, ShoalError } from '@shoal/core';
import type { MemberObjects, NativeDeviceHandle } from '@shoal/engine-node';
import { NativeMember } from './native-member.js';

/** Worker half: loads a shard into a native member. */
export class NativeEngineWorker implements EngineWorker {
  async createMember(options: MemberOptions, signal: AbortSignal): Promise<Member> {
    signal.throwIfAborted();
    const { device, channels, onEvent, ...plain } = options;
    let script: NativeDeviceHandle | undefined;
    try {
      const addon = await import('@shoal/engine-node');
      // A backend in TypeScript gets a native table that calls it.
      if (device.kind === 'script') script = addon.createScriptDevice(device);
      const objects: MemberObjects = {
        device: device.kind === 'native' ? device.table : (script as NativeDeviceHandle).table,
        ...connectionOf(channels),
      };
      const emit = (eventJson: string): void => onEvent(JSON.parse(eventJson) as EngineEvent);
      return new NativeMember(await addon.createMember(JSON.stringify(plain), objects, emit, signal), script);
    } catch (thrown) {
      script?.close();
      throw ShoalError.from(thrown, 'ENGINE_LOAD_FAILED');
    }
  }
}

/** A mesh watches its peers already; of single channels the native member makes one. */
function connectionOf({ channels, mesh }: MemberOptions['channels']): Pick<MemberObjects, 'mesh' | 'channels'> {
  if (mesh !== undefined) return { mesh };
  return { channels: channels.map(({ peer, table }) => ({ ...peer, table })) };
}

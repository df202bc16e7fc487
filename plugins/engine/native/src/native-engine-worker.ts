import { type EngineWorker, type Member, type MemberOptions, type OpenDevice, ShoalError } from '@shoal/core';
import type { MemberAddon, NativeHandle } from './member-addon.js';
import { NativeMember } from './native-member.js';

/** Worker half: loads a shard into a native member. */
export class NativeEngineWorker implements EngineWorker {
  async createMember(options: MemberOptions, signal: AbortSignal): Promise<Member> {
    signal.throwIfAborted();
    let script: NativeHandle | undefined;
    try {
      const addon = (await import('@shoal/engine-node')) as unknown as MemberAddon;
      script = scriptHandle(addon, options.device);
      const handle = await addon.createMember(
        JSON.stringify(memberOptions(options)),
        {
          device: options.device.kind === 'native' ? options.device.table : (script as NativeHandle).table,
          ...(options.channels.mesh === undefined ? {} : { mesh: options.channels.mesh }),
          channels: options.channels.channels.map(({ peer, table }) => ({ ...peer, table })),
        },
        (eventJson) => options.onEvent(JSON.parse(eventJson)),
      );
      const member = new NativeMember(handle, script);
      // Loading itself cannot be interrupted from here: what came too late is given back at once.
      if (signal.aborted) {
        await member.close();
        signal.throwIfAborted();
      }
      return member;
    } catch (thrown) {
      script?.close();
      throw ShoalError.from(thrown, 'ENGINE_LOAD_FAILED');
    }
  }
}

/** A backend in TypeScript gets a native table that calls it. */
function scriptHandle(addon: MemberAddon, device: OpenDevice): NativeHandle | undefined {
  return device.kind === 'script' ? addon.createScriptDevice(device) : undefined;
}

/** What the member needs as JSON; handles and callbacks go beside it. */
function memberOptions({ device: _device, channels: _channels, onEvent: _onEvent, ...options }: MemberOptions): object {
  return options;
}

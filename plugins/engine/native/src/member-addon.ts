import type { ScriptDevice } from '@shoal/core';

/** What the engine uses of the native addon. */
export interface MemberAddon {
  createScriptDevice(device: ScriptDevice): NativeHandle;
  createMember(
    optionsJson: string,
    handles: {
      readonly device: bigint;
      readonly mesh?: bigint;
      readonly channels: readonly { readonly stage: number; readonly member: number; readonly table: bigint }[];
    },
    onEvent: (eventJson: string) => void,
  ): Promise<MemberHandle>;
}

export interface NativeHandle {
  readonly table: bigint;
  close(): void;
}

export interface MemberHandle {
  submit(requestJson: string, promptTokens: Uint32Array): void;
  cancel(requestId: number): void;
  /** JSON of `MemberStatistics`. */
  statistics(): string;
  close(): Promise<void>;
}

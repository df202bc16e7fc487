import { type CheckpointConversion, type Engine, importOptional, ShoalError } from '@shoal/core';

/** Host half: the engine can run where its addon loads. */
export class NativeEngine implements Engine {
  async unavailableReason(): Promise<string | undefined> {
    const addon = await importOptional(() => import('@shoal/engine-node'));
    return 'unavailable' in addon ? addon.unavailable : undefined;
  }

  async describe(): Promise<string> {
    const { version } = await import('@shoal/engine-node');
    const { libraryPath } = await import('@shoal/engine-node/library');
    return `version ${version()}, ${libraryPath()}`;
  }

  async convertCheckpoint(conversion: CheckpointConversion, signal: AbortSignal): Promise<void> {
    const { onProgress, ...order } = conversion;
    try {
      const { writeConvertedCheckpoint } = await import('@shoal/engine-node');
      await writeConvertedCheckpoint(JSON.stringify(order), onProgress, signal);
    } catch (thrown) {
      throw ShoalError.from(thrown, 'MODEL_WRITE_FAILED');
    }
  }
}

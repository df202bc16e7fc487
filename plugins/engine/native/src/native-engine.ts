import { type Engine, importOptional } from '@shoal/core';

/** Host half: the engine can run where its addon loads. */
export class NativeEngine implements Engine {
  async unavailableReason(): Promise<string | undefined> {
    const addon = await importOptional(() => import('@shoal/engine-node'));
    return 'unavailable' in addon ? addon.unavailable : undefined;
  }
}

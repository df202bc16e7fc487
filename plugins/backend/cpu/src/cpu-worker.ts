import { type BackendWorker, type NativeDevice, type OpenDeviceOptions, ShoalError } from '@shoal/core';
import { operations } from './capabilities.js';
import type { CpuOptions } from './options.js';

/** Worker half: opens the processor as a native device. */
export class CpuBackendWorker implements BackendWorker {
  readonly #options: CpuOptions;

  constructor(options: CpuOptions) {
    this.#options = options;
  }

  async open(deviceId: string, options: OpenDeviceOptions): Promise<NativeDevice> {
    if (deviceId !== 'cpu') {
      const message = `The cpu backend has no device "${deviceId}"; it has "cpu".`;
      throw new ShoalError('BACKEND_DEVICE_UNAVAILABLE', message, { details: { deviceId } });
    }
    const threads = options.threads ?? this.#options.threads;
    const { libraryDirectory } = this.#options;
    try {
      const { openGgmlDevice } = await import('@shoal/engine-node');
      const handle = openGgmlDevice({
        device: 'CPU',
        ...(threads === undefined ? {} : { threads }),
        ...(libraryDirectory === undefined ? {} : { libraryDirectory }),
      });
      return {
        kind: 'native',
        table: handle.table,
        operations,
        close: async () => handle.close(),
      };
    } catch (thrown) {
      throw ShoalError.from(thrown, 'BACKEND_DEVICE_UNAVAILABLE');
    }
  }
}

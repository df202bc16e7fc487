/** The two halves: what the node is told, and what a worker opens. */
import { freemem, totalmem } from 'node:os';
import { type Backend, type BackendWorker, ShoalError } from '@shoal/core';
import { ExampleExecutable } from './executable.js';
import { supportedOperations } from './operations.js';

const deviceId = 'example0';

/** Host half. */
export function exampleBackend(): Backend {
  return {
    capabilities: { operations: supportedOperations, storageTypes: ['f32', 'f16', 'bf16'], rowTile: {} },
    // A device that is not there would be `{ available: false, id, reason }`; nothing here may throw.
    probe: async () => [
      {
        available: true,
        id: deviceId,
        kind: 'cpu',
        name: 'Example (TypeScript, 32-bit floats)',
        memoryTotalBytes: { value: totalmem(), source: 'operating-system' },
        memoryAvailableBytes: { value: freemem(), source: 'operating-system' },
        memoryBandwidthBytesPerSecond: { unknown: 'nobody has measured it' },
        features: [],
      },
    ],
  };
}

/** Worker half. */
export function exampleBackendWorker(): BackendWorker {
  return {
    open: async (id) => {
      if (id !== deviceId) throw new ShoalError('BACKEND_DEVICE_UNAVAILABLE', `there is no '${id}', only ${deviceId}`);
      return {
        kind: 'script',
        operations: supportedOperations,
        compile: async (program, weights, options) => new ExampleExecutable(program, weights, options),
        close: async () => {},
      };
    },
  };
}

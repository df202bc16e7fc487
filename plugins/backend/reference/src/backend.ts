import { freemem, totalmem } from 'node:os';
import { type Backend, type BackendWorker, type ScriptDevice, ShoalError, storageTypes } from '@shoal/core';
import { ReferenceExecutable } from './executable.js';
import { supportedOperations } from './kernels/all.js';
import { measureReference } from './measurement.js';

const deviceId = 'reference';

/** Host half: says what it runs and that it is always there. Whatever weights are kept in, it computes with their numbers. */
export function referenceBackend(): Backend {
  return {
    capabilities: { operations: supportedOperations, storageTypes, rowTile: {} },
    probe: async () => [
      {
        available: true,
        id: deviceId,
        kind: 'cpu',
        name: 'Reference (TypeScript, double precision, one thread)',
        memoryTotalBytes: { value: totalmem(), source: 'operating-system' },
        memoryAvailableBytes: { value: freemem(), source: 'operating-system' },
        memoryBandwidthBytesPerSecond: { unknown: 'the reference backend is bound by computation' },
        coreCount: 1,
        features: [],
      },
    ],
    measure: async (id, options) => {
      requireReference(id);
      return measureReference(options);
    },
    measurementKey: () => `node ${process.versions.node}`,
  };
}

function requireReference(id: string): void {
  if (id === deviceId) return;
  throw new ShoalError(
    'BACKEND_DEVICE_UNAVAILABLE',
    `the reference backend has one device, '${deviceId}', not '${id}'`,
  );
}

/** The device: compiles member programs into interpreters. */
function openReference(): ScriptDevice {
  return {
    kind: 'script',
    operations: supportedOperations,
    compile: async (program, weights, options) => new ReferenceExecutable(program, weights, options),
    close: async () => {},
  };
}

/** Worker half. */
export function referenceBackendWorker(): BackendWorker {
  return {
    open: async (id) => {
      requireReference(id);
      return openReference();
    },
  };
}

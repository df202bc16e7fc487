export * from './api.js';
export * from './backend.js';
export * from './backend-measuring.js';
export * from './case.js';
export * from './discovery.js';
export * from './script-runner.js';
export * from './sharding.js';
export * from './transport.js';
export type { ProbedChannel, ProbedChannels, TransportUnderTest } from './transport-harness.js';

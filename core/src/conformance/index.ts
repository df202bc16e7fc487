export * from './backend.js';
export * from './case.js';
export * from './script-runner.js';
export * from './sharding.js';

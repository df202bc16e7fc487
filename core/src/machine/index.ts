/** Facts and conditions of the machine that a node runs on. */
export type { ConditionsHistory } from './conditions-history.js';
export * from './derating.js';
export { readDevicePaths } from './device-paths.js';
export * from './facts.js';
export * from './machine.js';
export * from './monitor.js';
export { type Known, knownValue } from './reading.js';
export { type MachineSource, systemSource } from './source.js';

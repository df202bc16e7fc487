/**
 * What a program needs that only asks a node of this machine: `attach`, and the models that a home knows. Nothing that a node
 * itself is made of is loaded with it, so that it is there in a fraction of the time. The package's own entry has it, too.
 */
export { ShoalError } from '@shoal/core/client';
export * from './attach.js';
export * from './cluster.js';
export * from './model-library.js';

// First, because it defines what decorated classes need when they are defined.
export * from './runtime/injection.js';
export * from './runtime/capabilities.js';
export * from './runtime/container.js';
export * from './runtime/json-source.js';
export * from './runtime/lifecycle.js';
export * from './runtime/module-resolution.js';
export * from './runtime/optional-module.js';
export * from './runtime/plugin-loader.js';
export * from './runtime/plugin-manifest.js';
export * from './runtime/plugin-set.js';
export * from './runtime/plugin-source.js';
export * from './runtime/schema-validation.js';
export * from './runtime/tokens.js';
export * from './runtime/worker-plugins.js';
export * from './spec/index.js';

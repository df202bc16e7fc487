/**
 * What a program needs that asks a node which runs elsewhere, and nothing that a node itself is made of: it is loaded in a
 * fraction of the time and memory of the whole package, whose entry has all of this, too.
 */
export { AsyncQueue } from './control/async-queue.js';
export { type Derating, deratingsByMachine } from './machine/derating.js';
export { describeModel } from './model/describe.js';
export { hubNames, hubSnapshot } from './model/hub-cache.js';
export { resolveHome } from './node/home.js';
export { attachNode, isNodeRunning, type RemoteNode } from './node/remote-service.js';
export { softwareVersion } from './node/software-version.js';
export { formatLayers } from './placement/explain.js';
export { formatBytes, formatMilliseconds, formatRate, formatTable } from './placement/format.js';
export { fixedMarginBytes, marginPerWeightByte } from './placement/memory.js';
export { certainty, type FigureSource, lessCertain } from './placement/speed.js';
export { importOptional, type OptionalModule } from './runtime/optional-module.js';
export * from './spec/errors.js';
export { type LinkKind, linkKinds } from './spec/link.js';
export { controlProtocolVersion, programVersion, specVersions } from './spec/version.js';

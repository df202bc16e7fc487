import type { PluginContext } from '../spec/plugin.js';
import type { PluginSet } from './plugin-set.js';

declare const tokenType: unique symbol;

/** Names a dependency of type `T`. A symbol, so that two copies of a package still mean the same thing. */
export type Token<T> = symbol & { readonly [tokenType]?: T };

/** Makes (or finds) the token of that name: `token<Clock>('clock')`. */
export function token<T>(name: string): Token<T> {
  return Symbol.for(`shoal.${name}`) as Token<T>;
}

/** Tokens that the runtime itself registers in every cluster's container. */
export const tokens = {
  /** Identifies the cluster's container within this process. */
  clusterId: token<string>('cluster-id'),
  log: token<PluginContext['log']>('log'),
  plugins: token<PluginSet>('plugins'),
} as const;

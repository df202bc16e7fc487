import type { OptionsSchema } from '@shoal/core';

export interface HttpApiOptions {
  /** An address of this machine. Beyond loopback every request needs a key. */
  readonly listen: string;
  readonly port: number;
  /** Whether to take the next free port where the port is in use, instead of failing. */
  readonly nextFreePort: boolean;
  /** Who brings one of these may ask; the cluster's key is always one where keys are asked for. */
  readonly keys: readonly string[];
  /** Web pages of these origins may ask; none unless given. `*`: of all, which only makes sense with keys. */
  readonly origins: readonly string[];
  readonly maximumBodyBytes: number;
  /** Requests that run or wait at once; more are refused with status 429. */
  readonly maximumRequests: number;
  /** Longest time that a body may take to arrive. */
  readonly bodySeconds: number;
  /** Longest time that an answer may take; it is cancelled then. */
  readonly answerSeconds: number;
  /** Most responses of `/v1/responses` that are kept for who goes on from them; 0 keeps none. */
  readonly storedResponses: number;
  /** Most memory for them, in bytes of JSON; the oldest are forgotten. */
  readonly storedResponseBytes: number;
}

/** What local clusters of the field use. */
export const defaultPort = 52_415;

export const httpApiOptionsSchema: OptionsSchema = {
  type: 'object',
  properties: {
    listen: { type: 'string', minLength: 1, default: '127.0.0.1' },
    port: { type: 'integer', minimum: 0, maximum: 65_535, default: defaultPort },
    nextFreePort: { type: 'boolean', default: false },
    keys: { type: 'array', items: { type: 'string', minLength: 8 }, default: [] },
    origins: { type: 'array', items: { type: 'string', minLength: 1 }, default: [] },
    maximumBodyBytes: { type: 'integer', minimum: 1024, maximum: 1_073_741_824, default: 16_777_216 },
    maximumRequests: { type: 'integer', minimum: 1, maximum: 100_000, default: 512 },
    bodySeconds: { type: 'number', minimum: 1, maximum: 3600, default: 60 },
    answerSeconds: { type: 'number', minimum: 1, maximum: 604_800, default: 3600 },
    storedResponses: { type: 'integer', minimum: 0, maximum: 1_000_000, default: 1024 },
    storedResponseBytes: { type: 'integer', minimum: 0, maximum: 17_179_869_184, default: 67_108_864 },
  },
  additionalProperties: false,
};

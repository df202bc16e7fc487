// Clusters and generations as a program of the SDK has them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCluster } from 'shoal';
import { promptOf } from './checkpoint.mjs';

/** The plugins that one node needs, its processor with so many threads. */
export function pluginsFor(threads) {
  return [
    { module: '@shoal/transport-tcp' },
    { module: '@shoal/engine-native' },
    { module: '@shoal/backend-cpu', options: { threads } },
    { module: '@shoal/sharding-llama' },
  ];
}

/** One node in this process, with a home of its own that goes with it. */
export async function startNode(threads) {
  const home = mkdtempSync(join(tmpdir(), 'shoal-bench-home-'));
  const cluster = await createCluster(pluginsFor(threads), { identity: 'temporary', home });
  return {
    cluster,
    async close() {
      await cluster.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/**
 * Generates `tokens` tokens after a prompt of so many; milliseconds as the program saw and as the engine says it.
 * `perToken` is the mean over the answer, because single gaps say how events were bundled on their way, too.
 */
export async function generate(model, prompt, tokens, more = {}) {
  const started = performance.now();
  const generation = model.generate(promptOf(prompt), { maximumTokens: tokens, ignoreEndOfText: true, ...more });
  let first = 0;
  let last = 0;
  for await (const _part of generation) {
    last = performance.now();
    if (first === 0) first = last;
  }
  const { timings, usage } = await generation.result;
  if (usage.generatedTokens !== tokens) throw new Error(`${usage.generatedTokens} of ${tokens} tokens came`);
  const gaps = Math.max(tokens - 1, 1);
  return {
    firstToken: first - started,
    perToken: (last - first) / gaps,
    engine: { firstToken: timings.prefillMilliseconds, perToken: timings.decodeMilliseconds / gaps },
  };
}

// Clusters and generations as a program of the SDK has them.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createCluster } from 'shoal';
import { root as project } from '../../scripts/tools.mjs';
import { promptOf } from './checkpoint.mjs';

/** How long the second node of a pair may take. */
const joinMilliseconds = 30_000;
const command = join(project, 'sdk', 'dist', 'command', 'main.js');

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
 * This program's node and one in a process of its own beside it. The program's is the head of what it loads, for it is the
 * one that asks. `close` ends both.
 */
export async function startNodePair(threads) {
  const root = mkdtempSync(join(tmpdir(), 'shoal-bench-pair-'));
  const clusterKey = randomBytes(32).toString('hex');
  const plugins = pluginsFor(threads);
  const cluster = await createCluster(plugins, {
    home: join(root, 'first'),
    name: 'first',
    clusterKey,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    apis: false,
  });
  const home = join(root, 'second');
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'cluster.key'), `${clusterKey}\n`, { mode: 0o600 });
  const pluginManifest = join(root, 'plugins.json');
  writeFileSync(pluginManifest, JSON.stringify({ plugins }));
  const words = ['node', '--json', '--exit-with-stdin', '--no-api', '--home', home, '--name', 'second'];
  words.push('--plugins', pluginManifest, '--peer', cluster.addresses[0]);
  const second = spawn(process.execPath, [command, ...words], { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(second, 'exit');
  const close = async () => {
    await cluster.close();
    second.stdin.end();
    await ended;
    rmSync(root, { recursive: true, force: true });
  };
  const end = performance.now() + joinMilliseconds;
  while ((await cluster.nodes()).every(({ state }) => state !== 'connected')) {
    if (performance.now() > end || second.exitCode !== null) {
      await close();
      throw new Error('the second node did not join');
    }
    await setTimeout(50);
  }
  return { cluster, close };
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

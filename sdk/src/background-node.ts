/** A node of this machine that outlives the program that starts it. */
import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { resolveHome, ShoalError } from '@shoal/core/client';
import { runningNode } from './attach.js';

export interface BackgroundNodeOptions {
  readonly home?: string | undefined;
  readonly pluginManifest?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const startDeadlineMilliseconds = 60_000;
const lookMilliseconds = 50;
const keptErrorCharacters = 2000;

/**
 * Starts `shoal node` as a process of its own, with its log in `logs/node.log` of the home, and resolves when it answers.
 * `shoal leave` ends it. Rejects with NODE_UNREACHABLE, with its last words when it did not start.
 */
export async function startBackgroundNode({ home, pluginManifest, signal }: BackgroundNodeOptions = {}): Promise<void> {
  const logs = join(resolveHome(home), 'logs');
  await mkdir(logs, { recursive: true, mode: 0o700 });
  const errorFile = join(logs, 'node-start.log');
  const errors = await open(errorFile, 'w', 0o600);
  const main = fileURLToPath(new URL('./command/main.js', import.meta.url));
  const args = ['node', '--log-file', '--home', resolveHome(home)];
  if (pluginManifest !== undefined) args.push('--plugins', pluginManifest);
  let ended: string | undefined;
  try {
    const child = spawn(process.execPath, [main, ...args], {
      detached: true,
      stdio: ['ignore', 'ignore', errors.fd],
      windowsHide: true,
    });
    child.once('error', (error) => {
      ended = error.message;
    });
    child.once('exit', (code, by) => {
      ended = `it ended with ${by ?? `code ${code}`}`;
    });
    child.unref();
  } finally {
    await errors.close();
  }
  const end = performance.now() + startDeadlineMilliseconds;
  while (!(await runningNode({ home }))) {
    signal?.throwIfAborted();
    if (ended !== undefined || performance.now() > end) {
      const said = (await readFile(errorFile, 'utf8').catch(() => '')).trim().slice(-keptErrorCharacters);
      const what = ended ?? 'it did not start in time';
      throw new ShoalError(
        'NODE_UNREACHABLE',
        `a node cannot be started here: ${what}${said === '' ? '' : `: ${said}`}`,
      );
    }
    await sleep(lookMilliseconds, undefined, { signal });
  }
}

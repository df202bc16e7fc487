import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { commandScript, repositoryRoot } from './repository.js';

/** Waits for `expect`, then types `send`, or sends the command a signal. */
export interface TerminalStep {
  readonly expect?: string;
  readonly send?: string;
  readonly signal?: 'SIGINT' | 'SIGTERM';
}

export interface TerminalOptions {
  readonly columns?: number;
  readonly steps?: readonly TerminalStep[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly deadlineSeconds?: number;
  /** How long nothing may have come before a step is taken; shells drop what is typed while they complete. */
  readonly quietSeconds?: number;
}

export interface TerminalResult {
  /** Everything that the terminal was sent, standard error included. */
  readonly output: string;
  readonly code: number;
  readonly timedOut: boolean;
}

/** Why there are no pseudo-terminals here; false where there are. */
export const noPseudoTerminal =
  process.platform === 'win32' || spawnSync('python3', ['--version']).status !== 0
    ? 'needs python3 and pseudo-terminals'
    : false;

/** Runs any command in a pseudo-terminal to its end. */
export async function inTerminal(
  command: string,
  args: readonly string[],
  { environment, ...plan }: TerminalOptions = {},
): Promise<TerminalResult> {
  const helper = path.join(repositoryRoot, 'test', 'src', 'support', 'pty.py');
  const { NO_COLOR: _refused, FORCE_COLOR: _forced, ...inherited } = process.env;
  const child = spawn('python3', [helper, JSON.stringify({ deadlineSeconds: 150, ...plan }), command, ...args], {
    env: { ...inherited, TERM: 'xterm-256color', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(child, 'close');
  return JSON.parse(text) as TerminalResult;
}

/** Runs `shoal` in a pseudo-terminal to its end. */
export function shoalInTerminal(args: readonly string[], options: TerminalOptions = {}): Promise<TerminalResult> {
  return inTerminal(process.execPath, [commandScript, ...args], options);
}

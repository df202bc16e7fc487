/** One run of the command: finds what was meant, runs it, and says how it ended. */
import { inspect } from 'node:util';
import { ShoalError } from '@shoal/core/client';
import { exitCodes } from './command.js';
import { canShowDashboard, showThisMachine } from './commands/top.js';
import { findCommand } from './find-command.js';
import { printHelp } from './help.js';
import { parseCommandLine } from './options.js';
import { loadCommand, loadCommands } from './registry.js';
import { Terminal } from './terminal.js';
import { describeVersion } from './version.js';

/** Flags that may stand before the command, too. */
const leadingFlags = new Set(['--json', '--quiet', '-q', '--no-color']);
/** For a command that is to end in order; then the process ends regardless. */
const brokenPipeGraceMilliseconds = 3000;

/** Runs a command line; resolves with the exit code. Never rejects. */
export async function runCommandLine(given: readonly string[]): Promise<number> {
  const words = moveLeadingFlags(given);
  const asGiven = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  const has = (...names: string[]) => names.some((name) => asGiven.includes(name));
  const terminal = new Terminal({
    json: has('--json'),
    quiet: has('--quiet', '-q'),
    colours: !has('--no-color'),
  });
  const interrupt = new AbortController();
  listen(interrupt, terminal);
  let exitCode: number;
  try {
    await dispatch(words, terminal, interrupt.signal);
    exitCode = interrupt.signal.aborted ? exitCodes.interrupted : Number(process.exitCode ?? exitCodes.success);
  } catch (thrown) {
    exitCode = report(ShoalError.from(thrown), terminal);
  }
  if (isBrokenPipe(interrupt.signal)) return exitCodes.success;
  terminal.clearProgress();
  await terminal.flushed();
  return exitCode;
}

async function dispatch(words: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<void> {
  const [name, ...rest] = words;
  if (name === undefined && canShowDashboard(terminal)) {
    try {
      await showThisMachine(terminal, signal);
    } catch (thrown) {
      const error = ShoalError.from(thrown);
      if (error.code !== 'DASHBOARD_NOT_INSTALLED') throw error;
      // There is still something to say.
      printHelp(terminal, await loadCommands());
      terminal.note(`\n${error.message}. ${error.remedy}`);
    }
    return;
  }
  if (name === undefined || name === '--help' || name === '-h') {
    printHelp(terminal, await loadCommands());
    return;
  }
  if (name === '--version' || name === '-V' || name === 'version') {
    const version = describeVersion();
    if (terminal.isJson) terminal.json(version);
    else terminal.line(`shoal ${version.version}`);
    return;
  }
  const command = (await loadCommand(name)) ?? findCommand(await loadCommands(), name);
  if (asksForHelp(rest)) {
    printHelp(terminal, [], command);
    return;
  }
  await command.run({ ...parseCommandLine(command, rest), terminal, signal });
}

/** `shoal --json doctor` is `shoal doctor --json`. */
function moveLeadingFlags(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !leadingFlags.has(word));
  return first <= 0 ? words : [...words.slice(first), ...words.slice(0, first)];
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const asked = end < 0 ? words : words.slice(0, end);
  return asked.includes('--help') || asked.includes('-h');
}

/** Prints an error; returns the exit code that goes with it. */
function report(error: ShoalError, terminal: Terminal): number {
  terminal.clearProgress();
  if (terminal.isJson) terminal.json({ error: error.toJSON() });
  else {
    const { diagnostics } = terminal;
    diagnostics.write(`${error.code}: ${error.message}\n`);
    if (error.code !== 'ABORTED') {
      diagnostics.write(`  ${error.remedy}\n`);
      diagnostics.write(`  More: shoal errors ${error.code}, or docs/errors.md#${error.code.toLowerCase()}\n`);
    }
    if (process.env.SHOAL_DEBUG) diagnostics.write(`${inspect(error)}\n`);
  }
  if (error.code === 'ABORTED') return exitCodes.interrupted;
  return error.code === 'ARGUMENT_INVALID' ? exitCodes.usage : exitCodes.failure;
}

const brokenPipe = 'the reader of the output has left';

function isBrokenPipe(signal: AbortSignal): boolean {
  return ShoalError.is(signal.reason) && signal.reason.message === brokenPipe;
}

/** The first interrupt lets the command end in order, the second ends the process. */
function listen(interrupt: AbortController, terminal: Terminal): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) process.exit(exitCodes.interrupted);
      interrupt.abort(new ShoalError('ABORTED', 'interrupted'));
    });
  }
  // `shoal … | head` has what it wanted: nothing more is to be said, and nothing is wrong.
  terminal.output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (interrupt.signal.aborted) return;
    setTimeout(() => process.exit(exitCodes.success), brokenPipeGraceMilliseconds).unref();
    interrupt.abort(new ShoalError('ABORTED', brokenPipe));
  });
  terminal.diagnostics.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

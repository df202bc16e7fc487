// Small helpers of the build scripts. They run before anything is installed, so they use Node alone.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Root of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

const isWindows = process.platform === 'win32';

/** Runs a command in the repository root with inherited output; throws when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: isWindows, ...options });
  if (result.error) throw new Error(`cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) {
    throw new Error(`\`${command} ${args.join(' ')}\` failed with ${result.status ?? result.signal}`);
  }
}

/**
 * Runs a command, echoing its output (standard output to `sink`, errors to `errorSink`) while collecting it; resolves with
 * the exit code and the text.
 */
export function runCollecting(
  command,
  args,
  { sink: outputSink = process.stdout, errorSink = process.stderr, ...options } = {},
) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, shell: isWindows, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let text = '';
    for (const [stream, sink] of [
      [child.stdout, outputSink],
      [child.stderr, errorSink],
    ]) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk) => {
        text += chunk;
        sink.write(chunk);
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? 1, signal, text }));
  });
}

/** Whether a command can be started at all. */
export function exists(command, args = ['--version']) {
  return spawnSync(command, args, { stdio: 'ignore', shell: isWindows }).status === 0;
}

/** Why a command that is there does not run, in its own words; undefined: it runs, or there is none. */
export function complaintOf(command, args = ['--version']) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', shell: isWindows });
  return status === 0 || error ? undefined : stderr.trim().split('\n')[0] || undefined;
}

/** Prints what a script is doing, one line, to standard error: standard output belongs to the job. */
export function say(message) {
  process.stderr.write(`• ${message}\n`);
}

/** Ends a script with a readable error instead of a stack. */
export function main(action) {
  Promise.resolve()
    .then(action)
    .catch((error) => {
      process.stderr.write(`✗ ${error.message}\n`);
      process.exitCode = 1;
    });
}

/** The prompt of one answer: from the command line, from standard input, or from both. */
import type { Readable } from 'node:stream';
import { ShoalError } from '@shoal/core';
import type { Terminal } from './terminal.js';

/** Stands for standard input among the words of a prompt. */
const standardInput = '-';
/** Beyond what any model reads; an endless input ends here. */
const longestInputBytes = 64 * 1024 * 1024;

/**
 * Words joined by spaces, with standard input in the place of a word `-`, and alone where there are no words and it is
 * no terminal. Throws ARGUMENT_INVALID where there is no prompt, and what `signal` was aborted with.
 */
export async function readPrompt(
  words: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
  input: Readable & { readonly isTTY?: boolean } = process.stdin,
): Promise<string> {
  const reads = words.length === 0 ? input.isTTY !== true : words.includes(standardInput);
  if (!reads) {
    if (words.length > 0) return words.join(' ');
    throw missing('PROMPT is missing');
  }
  terminal.live(['reading the prompt from standard input …']);
  const text = await readAll(input, signal);
  terminal.clearProgress();
  const prompt = words.length === 0 ? text : words.map((word) => (word === standardInput ? text : word)).join(' ');
  if (prompt.trim() === '') throw missing('PROMPT is missing, and standard input has nothing');
  return prompt;
}

/** All of it as text, without the line break that ends a file. */
async function readAll(input: Readable, signal: AbortSignal): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  const stop = () => input.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    for await (const piece of input) {
      const bytes = Buffer.from(piece as Uint8Array | string);
      size += bytes.length;
      if (size > longestInputBytes) {
        const limit = `${longestInputBytes / 2 ** 20} MiB`;
        throw new ShoalError('ARGUMENT_INVALID', `the prompt on standard input is longer than ${limit}`, {
          details: { argument: 'PROMPT', longestInputBytes },
        });
      }
      pieces.push(bytes);
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return Buffer.concat(pieces)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

function missing(what: string): ShoalError {
  return new ShoalError('ARGUMENT_INVALID', `shoal run: ${what} (see \`shoal run --help\`)`, {
    details: { command: 'run', argument: 'PROMPT' },
  });
}

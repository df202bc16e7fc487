// Runs under Bun only: calls the C functions of the addon's file.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What is used of `bun:ffi`, whose types the workspace does not have. */
interface ForeignFunctions {
  dlopen(path: string, functions: object): { symbols: Record<string, (...values: unknown[]) => unknown> };
  ptr(bytes: Uint8Array): unknown;
}

const ffi = 'bun:ffi';
const { dlopen, ptr } = (await import(ffi)) as ForeignFunctions;
const folder = dirname(createRequire(import.meta.url).resolve('@shoal/engine-node/package.json'));
const { symbols } = dlopen(join(folder, `shoal-engine.${process.platform}-${process.arch}.node`), {
  shoal_version: { args: [], returns: 'cstring' },
  shoal_status_text: { args: ['i32', 'ptr', 'usize'], returns: 'usize' },
});

function statusText(capacity: number): { text: string; length: number } {
  const bytes = new Uint8Array(64).fill(255);
  const length = Number(symbols.shoal_status_text!(100, ptr(bytes), capacity));
  return { text: new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0))), length };
}

const whole = statusText(64);
process.stdout.write(
  JSON.stringify({
    version: String(symbols.shoal_version!()),
    status: whole.text,
    length: whole.length,
    cut: statusText(5).text,
  }),
);

/** Where readers read: files below a root, and programs of the operating system. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Injected, so that every platform's readers run everywhere. Nothing here throws. */
export interface MachineSource {
  readonly platform: NodeJS.Platform;
  /** The text of a file, given from the root; undefined where it cannot be read. */
  text(path: string): Promise<string | undefined>;
  /** Names in a folder, sorted; empty where it cannot be read. */
  names(folder: string): Promise<readonly string[]>;
  /** What a program printed, whatever its exit code; undefined where it cannot be run or takes too long. */
  output(program: string, args: readonly string[]): Promise<string | undefined>;
}

const programDeadlineMilliseconds = 4000;
const largestOutputBytes = 1024 * 1024;

/** This machine. `root` stands for `/` and is for tests: whatever the machine is, a root is read as Linux's. */
export function systemSource(options: { readonly root?: string | undefined } = {}): MachineSource {
  const root = options.root ?? '/';
  return {
    platform: options.root === undefined ? process.platform : 'linux',
    text: (path) => readFile(join(root, path), 'utf8').catch(() => undefined),
    names: async (folder) => (await readdir(join(root, folder)).catch((): string[] => [])).sort(compareText),
    output: options.root === undefined ? runProgram : async () => undefined,
  };
}

/** Without a shell: arguments are never looked at for commands. */
function runProgram(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const settings = {
      encoding: 'utf8',
      timeout: programDeadlineMilliseconds,
      killSignal: 'SIGKILL',
      maxBuffer: largestOutputBytes,
      windowsHide: true,
    } as const;
    try {
      execFile(program, [...args], settings, (error, stdout) => {
        resolve(error !== null && stdout === '' ? undefined : stdout);
      }).unref();
    } catch {
      // Too many processes or open files.
      resolve(undefined);
    }
  });
}

/** The trimmed text of a file. */
export async function trimmedText(source: MachineSource, path: string): Promise<string | undefined> {
  return (await source.text(path))?.trim();
}

/** The number in a file; undefined where there is none, such as `max` for no limit. */
export async function numberIn(source: MachineSource, path: string): Promise<number | undefined> {
  const text = await trimmedText(source, path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

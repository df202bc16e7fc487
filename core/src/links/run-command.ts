/** Runs a program of the operating system for what it prints. */
import { execFile } from 'node:child_process';

/** What it printed; undefined where it cannot be run, fails, or takes too long. */
export type RunCommand = (command: string, args: readonly string[]) => Promise<string | undefined>;

const deadlineMilliseconds = 10_000;
const maximumOutputBytes = 4 * 1024 * 1024;

export const runCommand: RunCommand = (command, args) =>
  new Promise((resolve) => {
    const options = { timeout: deadlineMilliseconds, maxBuffer: maximumOutputBytes, windowsHide: true };
    execFile(command, [...args], options, (error, stdout) => resolve(error ? undefined : stdout));
  });

/** Questions to Windows. Starting PowerShell is what takes the time: a script asks for all at once. */
import { join } from 'node:path/win32';
import type { MachineSource } from './source.js';

export const noJson = 'PowerShell answers with something else than JSON';

/** What a script printed as JSON, or why there is none. `script`: fixed text, nothing is put into it. */
export async function askPowerShell(
  source: MachineSource,
  script: string,
): Promise<{ readonly answer: unknown } | { readonly problem: string }> {
  const systemRoot = process.env.SystemRoot ?? 'C:\\Windows';
  const program = join(systemRoot, 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe');
  const text = await source.output(program, ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', script]);
  if (text === undefined) return { problem: 'PowerShell cannot be run' };
  try {
    return { answer: JSON.parse(text) };
  } catch {
    return { problem: noJson };
  }
}

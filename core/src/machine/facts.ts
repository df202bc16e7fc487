/** What a machine is: its processor and its memory, whatever the system. */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { linuxMemory, memoryUnknown } from './linux-memory.js';
import { linuxProcessor } from './linux-processor.js';
import type { MachineFacts, MachineMemory, ProcessorFacts } from './machine.js';
import { macosMemory, macosProcessor } from './macos.js';
import { readWithin, reported, unknown } from './reading.js';
import { type MachineSource, systemSource } from './source.js';
import { askWindows, windowsFacts } from './windows.js';

const readDeadlineMilliseconds = 5000;

/** Never rejects: what cannot be read is unknown, with the reason. */
export async function readMachineFacts(source: MachineSource = systemSource()): Promise<MachineFacts> {
  if (source.platform === 'win32') {
    const answer = await readWithin(
      readDeadlineMilliseconds,
      () => askWindows(source),
      (reason) => reason,
    );
    return windowsFacts(answer, availableParallelism());
  }
  const [processor, memory] = await Promise.all([readProcessorFacts(source), readMachineMemory(source)]);
  return { processor, memory };
}

/** Never rejects. Quick everywhere: it is read before every plan. */
export async function readMachineMemory(source: MachineSource = systemSource()): Promise<MachineMemory> {
  const read = async (): Promise<MachineMemory> => {
    if (source.platform === 'linux')
      return (await linuxMemory(source)) ?? memoryUnknown('/proc/meminfo cannot be read');
    if (source.platform === 'darwin') return macosMemory(source);
    const total = reported(totalmem());
    const free = reported(freemem());
    return { totalBytes: total, freeBytes: free, processTotalBytes: total, processAvailableBytes: free, limits: [] };
  };
  return readWithin(readDeadlineMilliseconds, read, memoryUnknown);
}

/** Never rejects. On Windows only what the runtime knows, for asking more takes a second. */
export async function readProcessorFacts(source: MachineSource = systemSource()): Promise<ProcessorFacts> {
  const read = async (): Promise<ProcessorFacts> => {
    if (source.platform === 'linux') return linuxProcessor(source);
    if (source.platform === 'darwin') return macosProcessor(source);
    return processorOfRuntime(`it is not read on ${source.platform}`);
  };
  return readWithin(readDeadlineMilliseconds, read, processorOfRuntime);
}

/** What Node knows. */
function processorOfRuntime(reason: string): ProcessorFacts {
  const all = cpus();
  const name = all[0]?.model.trim();
  return {
    name: name === undefined || name === '' ? unknown(reason) : { value: name },
    logicalCores: all.length === 0 ? unknown(reason) : reported(all.length),
    physicalCores: unknown(reason),
    usableCores: reported(availableParallelism()),
    instructionSets: unknown(reason),
    lastLevelCacheBytes: unknown(reason),
  };
}

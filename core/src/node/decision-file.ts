/**
 * What was decided for a cluster, in the homes of its nodes: so it outlives a restart of them all. Nodes that meet merge what
 * they have kept by the rules for decisions, whichever of them was off for how long.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DecisionStore } from '../consensus/decision-keeper.js';
import type { Decisions } from '../consensus/decisions.js';
import type { messages } from '../control/messages.js';
import { decisionsFromMessage, decisionsToMessage } from './consensus-wire.js';
import { writeSynced } from './home.js';

const formatVersion = 1;
/** More than decisions can take that still travel in one message between nodes. */
const largestFileBytes = 16 * 1024 * 1024;

interface Document {
  readonly version: number;
  /** Of `decisions` as JSON. */
  readonly sha256: string;
  readonly decisions: messages.Decisions.$Properties;
}

/** What a node keeps of what is decided, between its lives. */
export interface KeptDecisions {
  /** What an earlier life left; absent: nothing, or nothing that can be read. */
  readonly decisions?: Decisions;
  /** Absent: nothing is kept. */
  readonly store?: DecisionStore;
}

type Warn = (message: string) => void;

/** One file for each cluster that the home has been used in. */
export async function openDecisionFile(home: string, clusterTag: string, warn: Warn): Promise<KeptDecisions> {
  const path = join(home, `decisions-${clusterTag}.json`);
  const file = new DecisionFile(path, warn);
  try {
    const decisions = await read(path);
    return { store: file, ...(decisions ? { decisions } : {}) };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const aside = `${path}.unread`;
    const consequence = 'The node starts without them, and learns from other nodes what they know';
    try {
      await rename(path, aside);
      warn(`what was decided for the cluster cannot be read: ${reason}. It is kept as ${aside}. ${consequence}`);
      return { store: file };
    } catch {
      // Better nothing new than to overwrite what somebody may still mend.
      warn(
        `what was decided for the cluster cannot be read: ${path}: ${reason}. ${consequence}, and keeps nothing new`,
      );
      return {};
    }
  }
}

/** Undefined: there is none. Throws with what is wrong with it. */
async function read(path: string): Promise<Decisions | undefined> {
  let text: string;
  try {
    if ((await stat(path)).size > largestFileBytes) throw new Error(`it is larger than ${largestFileBytes} bytes`);
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
  return decisionsFromText(text);
}

/** Throws with what is wrong with it. */
export function decisionsFromText(text: string): Decisions {
  let document: Partial<Document> | null;
  try {
    document = JSON.parse(text) as Partial<Document> | null;
  } catch (thrown) {
    throw new Error('it is not JSON', { cause: thrown });
  }
  const { version, sha256, decisions } = document ?? {};
  if (version !== formatVersion) {
    throw new Error(`its format is version ${String(version)}, and this version of Shoal reads ${formatVersion}`);
  }
  if (typeof decisions !== 'object' || sha256 !== checksum(JSON.stringify(decisions))) {
    throw new Error('it was damaged: its checksum is another one');
  }
  return decisionsFromMessage(decisions);
}

export function textOfDecisions(decisions: Decisions): string {
  // They can be long, and are written once for the checksum and the file: the fields are those of `Document`.
  const json = JSON.stringify(decisionsToMessage(decisions));
  return `{"version":${formatVersion},"sha256":"${checksum(json)}","decisions":${json}}\n`;
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

class DecisionFile implements DecisionStore {
  private lastProblem: string | undefined;

  constructor(
    private readonly path: string,
    private readonly warn: Warn,
  ) {}

  write(decisions: Decisions, ended: () => void): void {
    this.writeWhole(textOfDecisions(decisions))
      .then(
        () => this.report(undefined),
        (thrown: unknown) => this.report(thrown instanceof Error ? thrown.message : String(thrown)),
      )
      .finally(ended);
  }

  /** The whole text or what was there before, whatever happens meanwhile. */
  private async writeWhole(text: string): Promise<void> {
    if (Buffer.byteLength(text) > largestFileBytes) throw new Error(`they take more than ${largestFileBytes} bytes`);
    const temporary = `${this.path}.tmp`;
    try {
      await writeSynced(temporary, text, 'w');
      await rename(temporary, this.path);
      await syncFolder(dirname(this.path));
    } catch (thrown) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw thrown;
    }
  }

  /** Says a problem once, not with every decision. */
  private report(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.lastProblem) {
      this.warn(`what is decided for the cluster cannot be kept, and would be lost if all nodes stopped: ${problem}`);
    }
    this.lastProblem = problem;
  }
}

/** So that the new name outlives a loss of power, too, where the system has that. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // Windows opens no folders; the file itself is whole all the same.
  }
}

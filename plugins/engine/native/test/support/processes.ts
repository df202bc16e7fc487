import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineEvent } from '@shoal/core';
import { newCredentials } from './instance.js';
import type { Order, Report } from './member-process.js';

type ReportOf<Kind extends Report['kind']> = Extract<Report, { kind: Kind }>;

/** A member in a process of its own. */
export class ProcessMember {
  readonly child: ChildProcess;
  readonly reports: Report[] = [];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #waiting = new Set<() => void>();

  /** `runtime`: the command that runs it. */
  constructor(runtime: string) {
    const script = fileURLToPath(new URL('member-process.js', import.meta.url));
    // Arguments that tap gives to Node mean something else, or nothing, to other runtimes.
    this.child = fork(script, { stdio: 'inherit', execPath: runtime, execArgv: [] });
    this.child.on('message', (report: Report) => {
      this.reports.push(report);
      for (const look of [...this.#waiting]) look();
    });
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => resolve({ code, signal }));
    });
  }

  get events(): EngineEvent[] {
    return this.reports.flatMap((report) => (report.kind === 'event' ? [report.event] : []));
  }

  order(order: Order): void {
    this.child.send(order);
  }

  /** The first report, past or to come, that fulfils the condition; rejects after 60 s or with the child's error. */
  wait<Found extends Report>(condition: (report: Report) => report is Found): Promise<Found> {
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        action();
      };
      const look = () => {
        const error = this.reports.find((report) => report.kind === 'error');
        if (error?.kind === 'error') settle(() => reject(new Error(error.message)));
        const found = this.reports.find(condition);
        if (found) settle(() => resolve(found));
      };
      const timer = setTimeout(() => {
        const last = JSON.stringify(this.reports.slice(-3));
        settle(() => reject(new Error(`the report did not come; the last were ${last}`)));
      }, 60_000);
      this.#waiting.add(look);
      look();
    });
  }

  waitFor<Kind extends Report['kind']>(kind: Kind): Promise<ReportOf<Kind>> {
    return this.wait((report): report is ReportOf<Kind> => report.kind === kind);
  }

  async waitForEvent<Kind extends EngineEvent['kind']>(kind: Kind): Promise<Extract<EngineEvent, { kind: Kind }>> {
    const { event } = await this.wait(
      (report): report is ReportOf<'event'> => report.kind === 'event' && report.event.kind === kind,
    );
    return event as Extract<EngineEvent, { kind: Kind }>;
  }
}

/**
 * A pipeline with one process a stage; `stageEnds` are the last layers of the stages, `commands` the runtimes of their
 * processes (this one's where there are fewer).
 */
export async function startPipeline(
  stageEnds: readonly number[],
  commands: readonly string[] = [],
): Promise<ProcessMember[]> {
  const members = stageEnds.map((_, stage) => new ProcessMember(commands[stage] ?? process.execPath));
  try {
    const credentials = newCredentials();
    for (const [stage, member] of members.entries()) {
      member.order({ kind: 'listen', credentials, self: { stage, member: 0 } });
    }
    const listening = await Promise.all(members.map((member) => member.waitFor('listening')));
    const endpoints = listening.map(({ endpoint }, stage) => ({ stage, member: 0, nodeId: `node-${stage}`, endpoint }));
    for (const member of members) member.order({ kind: 'load', stageEnds, endpoints: endpoints as never[] });
    await Promise.all(members.map((member) => member.waitFor('loaded')));
    return members;
  } catch (error) {
    endPipeline(members);
    throw error;
  }
}

/** Ends what is left of a pipeline. */
export function endPipeline(members: readonly ProcessMember[]): void {
  for (const { child } of members) child.kill('SIGKILL');
}

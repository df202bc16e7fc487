/** Commands that this node was asked for and that are not confirmed yet: repeated until they are, or until a deadline. */
import { ShoalError } from '../spec/errors.js';
import type { Change } from './changes.js';
import type { Decision } from './decisions.js';
import { type Clock, type Random, randomId } from './environment.js';
import type { Command } from './messages.js';

export interface SubmitOptions {
  /** Default 15 s: time for a leader to be lost and another one to be elected. */
  readonly deadlineMilliseconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What became of a command; one of the two is called, once. */
export interface CommandSettled {
  decided(decision: Decision): void;
  refused(error: ShoalError): void;
}

const defaultDeadlineMilliseconds = 15_000;
const maximumSubmissions = 1024;

interface Submission {
  readonly command: Command;
  attempt: number;
  /** It was decided here, and no other node is known to hold the decision yet. */
  decision: Decision | undefined;
  readonly resolve: (decision: Decision) => void;
  readonly reject: (error: ShoalError) => void;
}

export interface SubmissionsOptions {
  readonly nodeId: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Brings a command to the leader, or decides it. */
  readonly route: (command: Command, attempt: number) => void;
  /** Tells the others once more. */
  readonly repeat: (decision: Decision) => void;
  readonly leaderName: () => string;
}

export class Submissions {
  private readonly open = new Map<string, Submission>();

  constructor(private readonly options: SubmissionsOptions) {}

  submit(change: Change, settled: CommandSettled, { deadlineMilliseconds, signal }: SubmitOptions = {}): void {
    const { nodeId, clock, random } = this.options;
    const id = randomId(random);
    const deadline = deadlineMilliseconds ?? defaultDeadlineMilliseconds;
    const isFull = this.open.size >= maximumSubmissions;
    if (signal?.aborted || isFull) {
      const full = new ShoalError('REQUEST_QUEUE_FULL', 'too many commands wait for the leader');
      settled.refused(signal?.aborted ? ShoalError.from(signal.reason, 'ABORTED') : full);
      return;
    }
    const finish = () => {
      cancelDeadline();
      signal?.removeEventListener('abort', onAbort);
      this.open.delete(id);
    };
    const submission: Submission = {
      command: { id, origin: nodeId, change },
      attempt: 0,
      decision: undefined,
      resolve: (decision) => {
        finish();
        settled.decided(decision);
      },
      reject: (error) => {
        finish();
        settled.refused(error);
      },
    };
    const cancelDeadline = clock.schedule(deadline, () => submission.reject(this.unconfirmed(submission, deadline)));
    const onAbort = () => submission.reject(ShoalError.from(signal?.reason, 'ABORTED'));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.open.set(id, submission);
    this.try(submission);
  }

  /** Once more: time has passed, or there is another leader. */
  retry(): void {
    for (const submission of Array.from(this.open.values())) this.try(submission);
  }

  /** Commands of which no decision is known. */
  waiting(): Command[] {
    return [...this.open.values()].filter(({ decision }) => !decision).map(({ command }) => command);
  }

  /** This node holds the decision now. Another one that holds it, too, keeps it alive whatever happens to one of them. */
  decided(decision: Decision, isHeldElsewhere: boolean): void {
    const submission = this.open.get(decision.id);
    if (!submission) return;
    if (isHeldElsewhere) submission.resolve(decision);
    else submission.decision = decision;
  }

  confirmed(id: string): void {
    const submission = this.open.get(id);
    if (submission?.decision) submission.resolve(submission.decision);
  }

  /** Nobody else is there to hold anything. */
  alone(): void {
    for (const { command } of Array.from(this.open.values())) this.confirmed(command.id);
  }

  rejected(id: string, error: ShoalError): void {
    this.open.get(id)?.reject(error);
  }

  stop(error: ShoalError): void {
    for (const submission of Array.from(this.open.values())) submission.reject(error);
  }

  private try(submission: Submission): void {
    submission.attempt++;
    if (submission.decision) this.options.repeat(submission.decision);
    else this.options.route(submission.command, submission.attempt);
  }

  private unconfirmed({ command, decision }: Submission, deadline: number): ShoalError {
    const leader = this.options.leaderName();
    const what = decision
      ? 'was decided here, but no other node has confirmed it'
      : `was not confirmed by the leader, ${leader},`;
    const message = `\`${command.change.kind}\` ${what} within ${deadline} ms; it may still take effect`;
    return new ShoalError('CLUSTER_COMMAND_UNCONFIRMED', message, {
      details: { command: command.id, change: command.change, leader },
    });
  }
}

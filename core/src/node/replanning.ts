/**
 * Watches whether the plans of instances whose head is here are still good: when a node comes or goes, and when answers get
 * slower than the plan said. A plan that is clearly better is moved to between requests (see relocation.ts); one that is
 * somewhat better is written down.
 */

import { Planning } from '../placement/planning.js';
import { predictPlan } from '../placement/prediction.js';
import {
  hasDrifted,
  type Reconsideration,
  type ReconsiderSettings,
  reconsider,
  reconsiderDefaults,
} from '../placement/reconsider.js';
import { inject, injectable } from '../runtime/injection.js';
import { ShoalError } from '../spec/errors.js';
import { headOf, type InstanceRecord, Instances } from './instances.js';
import type { LocalMembers } from './local-members.js';
import type { NodeLog } from './log.js';
import type { Relocation } from './relocation.js';
import type { NodeSettings } from './settings.js';
import type { Surveyor } from './survey.js';
import { nodeTokens } from './tokens.js';

/** `move`: go to a better plan; `advise`: write down that there is one; `off`: do not look. */
export interface ReplanningOptions extends Partial<ReconsiderSettings> {
  readonly mode?: 'move' | 'advise' | 'off';
  /** After something has happened, for more often comes with it. */
  readonly settleMilliseconds?: number;
}

const defaultSettleMilliseconds = 10_000;
const surveyDeadlineMilliseconds = 60_000;
/** A drift is looked into so often at most: what to do about it does not change with every answer. */
const driftCheckMilliseconds = 120_000;

@injectable()
export class Replanning {
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #isClosed = false;
  readonly #closing = new AbortController();
  readonly #driftLookedAt = new Map<string, number>();

  constructor(
    @inject(nodeTokens.settings) private readonly settings: NodeSettings,
    @inject(nodeTokens.instances) private readonly instances: Instances,
    @inject(nodeTokens.members) private readonly members: LocalMembers,
    @inject(nodeTokens.surveyor) private readonly surveyor: Surveyor,
    @inject(nodeTokens.relocation) private readonly relocation: Relocation,
    @inject(nodeTokens.log) private readonly log: NodeLog,
    @inject(nodeTokens.replanning) private readonly options: ReplanningOptions,
  ) {
    members.onAnswer((instance) => this.#answered(instance));
  }

  /** Something has changed: looks at all instances once it has settled. */
  nudge(): void {
    if (this.#isClosed || (this.options.mode ?? 'move') === 'off' || this.#own().length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => void this.#lookAtAll(),
      this.options.settleMilliseconds ?? defaultSettleMilliseconds,
    );
    this.#timer.unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#closing.abort(new ShoalError('CLUSTER_CLOSED', 'the node was closed'));
  }

  /** Looks at one instance, and moves it if that is worth it. */
  async look(record: InstanceRecord): Promise<Reconsideration> {
    const { plan } = record;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(surveyDeadlineMilliseconds)]);
    const { request, result } = await this.surveyor.survey(record.model, record.options, signal, { freed: plan });
    const planning = new Planning(request);
    const now = predictPlan(plan, planning.model, planning.candidates);
    const cordoned = new Map(
      request.nodes.flatMap((node) => (node.cordoned === undefined ? [] : [[node.nodeId, node.cordoned] as const])),
    );
    const verdict = reconsider(
      {
        plan,
        millisecondsPerToken: now?.millisecondsPerToken,
        measuredMillisecondsPerToken: this.members.measuredMillisecondsPerToken(record.id),
        ageSeconds: (performance.now() - record.addedAt) / 1000,
      },
      { candidate: 'plan' in result ? result.plan : undefined, cordoned },
      { ...reconsiderDefaults, ...this.options },
    );
    const level = verdict.decision === 'move' ? 'info' : 'debug';
    this.log.write(level, 'plan', `${plan.modelName}: ${verdict.decision}, ${verdict.reason}`, {
      instance: record.id,
      ...(verdict.gain === undefined ? {} : { gain: verdict.gain }),
      ...(verdict.costSeconds === undefined ? {} : { costSeconds: verdict.costSeconds }),
    });
    if (verdict.decision === 'move' && (this.options.mode ?? 'move') === 'move') {
      await this.relocation.move(record.id, { reason: verdict.reason, signal: this.#closing.signal });
    }
    return verdict;
  }

  async #lookAtAll(): Promise<void> {
    if (this.#running) return this.nudge();
    this.#running = true;
    try {
      for (const record of this.#own()) {
        await this.look(record).catch((thrown: unknown) => {
          if (this.#isClosed) return;
          this.log.write('warn', 'plan', `${record.plan.modelName} stays as it is: ${ShoalError.from(thrown).message}`);
        });
      }
    } finally {
      this.#running = false;
    }
  }

  #answered(instance: string): void {
    const record = this.instances.get(instance);
    if (record === undefined) return;
    const measured = this.members.measuredMillisecondsPerToken(instance);
    const settings = { ...reconsiderDefaults, ...this.options };
    if (!hasDrifted(record.plan.predicted?.millisecondsPerToken, measured, settings)) return;
    const lookedAt = this.#driftLookedAt.get(instance) ?? Number.NEGATIVE_INFINITY;
    if (performance.now() - lookedAt < driftCheckMilliseconds) return;
    this.#driftLookedAt.set(instance, performance.now());
    this.nudge();
  }

  /** Instances that serve, whose head is here and that nothing else takes the place of. */
  #own(): InstanceRecord[] {
    return this.instances
      .list()
      .filter(
        ({ state, plan, successor }) =>
          state === 'ready' && successor === undefined && headOf(plan).nodeId === this.settings.nodeId,
      );
  }
}

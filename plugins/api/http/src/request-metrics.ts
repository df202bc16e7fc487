/** What /metrics shows, under the names that the field uses. */
import type { NodeService } from '@shoal/core';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const latencyBuckets = [0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];
const tokenBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
/** A member that does not answer must not keep the whole page waiting. */
const statisticsDeadlineMilliseconds = 2000;

/** Counts one answer. */
export interface AnswerMetrics {
  token(choice: number): void;
}

export class RequestMetrics {
  private readonly registry = new Registry();
  private readonly running;
  private readonly finished;
  private readonly promptTokens;
  private readonly generatedTokens;
  private readonly timeToFirstToken;
  private readonly interTokenLatency;
  private readonly requestSeconds;
  private readonly instances;

  constructor(private readonly service: NodeService) {
    const registers = [this.registry];
    const model = ['model'] as const;
    this.running = new Gauge({
      name: 'shoal_num_requests_running',
      help: 'Requests at this node that have not ended, those that wait for a slot too.',
      labelNames: model,
      registers,
    });
    this.finished = new Counter({
      name: 'shoal_requests_total',
      help: 'Requests at this node that ended, by how: completed, cancelled, or the code of the error.',
      labelNames: ['model', 'outcome'] as const,
      registers,
    });
    this.promptTokens = new Counter({
      name: 'shoal_prompt_tokens_total',
      help: 'Tokens of prompts.',
      labelNames: model,
      registers,
    });
    this.generatedTokens = new Counter({
      name: 'shoal_generation_tokens_total',
      help: 'Generated tokens.',
      labelNames: model,
      registers,
    });
    this.timeToFirstToken = new Histogram({
      name: 'shoal_time_to_first_token_seconds',
      help: 'From the request to its first token.',
      labelNames: model,
      buckets: latencyBuckets,
      registers,
    });
    this.interTokenLatency = new Histogram({
      name: 'shoal_inter_token_latency_seconds',
      help: 'Between two tokens of an answer.',
      labelNames: model,
      buckets: tokenBuckets,
      registers,
    });
    this.requestSeconds = new Histogram({
      name: 'shoal_e2e_request_latency_seconds',
      help: 'From the request to its end.',
      labelNames: model,
      buckets: latencyBuckets,
      registers,
    });
    this.instances = memberGauges(registers);
  }

  /** A request came; what is returned takes how it ended. */
  began(model: string): (outcome: string) => void {
    const started = performance.now();
    let named = model;
    // A name that nobody serves must not make a new row for every typing error.
    this.running.inc({ model: named });
    return (outcome) => {
      this.running.dec({ model: named });
      if (outcome === 'INSTANCE_NOT_FOUND') {
        this.running.remove({ model: named });
        named = 'unknown';
      }
      this.finished.inc({ model: named, outcome });
      this.requestSeconds.observe({ model: named }, (performance.now() - started) / 1000);
    };
  }

  /** `started`: when the request came, by the clock of `performance.now`. */
  answer(model: string, promptTokens: number, started: number): AnswerMetrics {
    const lastAt = new Map<number, number>();
    this.promptTokens.inc({ model }, promptTokens);
    return {
      token: (choice) => {
        const now = performance.now();
        const last = lastAt.get(choice);
        if (lastAt.size === 0) this.timeToFirstToken.observe({ model }, (now - started) / 1000);
        if (last !== undefined) this.interTokenLatency.observe({ model }, (now - last) / 1000);
        lastAt.set(choice, now);
        this.generatedTokens.inc({ model });
      },
    };
  }

  /** In the format of Prometheus. */
  async text(): Promise<{ readonly type: string; readonly text: string }> {
    await this.readMembers();
    return { type: this.registry.contentType, text: await this.registry.metrics() };
  }

  private async readMembers(): Promise<void> {
    const { slots, usage, waiting, steps, computeSeconds, waitSeconds, wireSeconds, sent, received } = this.instances;
    for (const gauge of Object.values(this.instances)) gauge.reset();
    const signal = AbortSignal.timeout(statisticsDeadlineMilliseconds);
    const ready = (await this.service.instances(signal)).filter(({ state }) => state === 'ready');
    await Promise.all(
      ready.map(async ({ instance, plan }) => {
        const reports = await this.service.statistics(instance, signal).catch(() => []);
        for (const { stage, member, nodeName, statistics } of reports) {
          const model = plan.modelName;
          const labels = { model, instance, stage, member, node: nodeName };
          if (stage === 0 && member === 0) {
            waiting.set({ model, instance }, statistics.waitingRequests);
            slots.set({ model, instance }, statistics.residentSlots);
            usage.set({ model, instance }, statistics.residentSlots / Math.max(1, plan.slotCount));
          }
          steps.inc(labels, statistics.steps);
          computeSeconds.inc(labels, statistics.computeMicroseconds / 1e6);
          waitSeconds.inc(labels, statistics.waitMicroseconds / 1e6);
          wireSeconds.inc(labels, statistics.wireMicroseconds / 1e6);
          sent.inc(labels, statistics.wireBytesSent);
          received.inc(labels, statistics.wireBytesReceived);
        }
      }),
    );
  }
}

/** Numbers that the members count; asked for when somebody looks. */
function memberGauges(registers: Registry[]) {
  const ofInstance = ['model', 'instance'] as const;
  const ofMember = ['model', 'instance', 'stage', 'member', 'node'] as const;
  const instance = (name: string, help: string) => new Gauge({ name, help, labelNames: ofInstance, registers });
  const member = (name: string, help: string) => new Counter({ name, help, labelNames: ofMember, registers });
  return {
    waiting: instance('shoal_num_requests_waiting', 'Answers that wait for a slot at the head.'),
    slots: instance('shoal_num_sequences_running', 'Sequences in slots at the head.'),
    usage: instance('shoal_kv_cache_usage_perc', 'Part of the slots that hold a sequence; 1 is all.'),
    steps: member('shoal_member_steps_total', 'Forward passes that a member took part in.'),
    computeSeconds: member('shoal_member_compute_seconds_total', 'Time of a member in its backend.'),
    waitSeconds: member('shoal_member_wait_seconds_total', 'Time in which a member waited for others.'),
    wireSeconds: member('shoal_member_wire_seconds_total', 'Time in which a member moved bytes.'),
    sent: member('shoal_member_wire_sent_bytes_total', 'Bytes that a member sent.'),
    received: member('shoal_member_wire_received_bytes_total', 'Bytes that a member received.'),
  };
}

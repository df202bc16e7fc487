/** Where a token's time goes under a plan, as numbers and as text. Pure. */
import type { LinkKind } from '../spec/link.js';
import type { Plan } from '../spec/plan.js';
import { nameCandidate } from './candidates.js';
import { formatMilliseconds, formatRate, formatTable } from './format.js';
import type { Planning } from './planning.js';
import { type PredictedHop, planTimes } from './prediction.js';
import type { ConsideredPlan } from './request.js';
import type { FigureSource } from './speed.js';

/** A member's part of a token's time. */
export interface StageTimes {
  readonly stage: number;
  /** Of its slowest member, with what the members exchange. */
  readonly milliseconds: number;
  readonly members: readonly {
    readonly nodeName: string;
    readonly deviceId: string;
    /** Of weights, that one row goes through in a second. */
    readonly bytesPerSecond: number;
    readonly source: FigureSource;
  }[];
}

/** The way from a stage to the next one; the last is the token's way back to the head. */
export interface HopTimes {
  readonly from: string;
  readonly to: string;
  readonly kind: LinkKind;
  readonly latencyMicroseconds: number;
  readonly bytesPerSecond: number;
  readonly source: FigureSource;
  readonly milliseconds: number;
}

export interface TokenTimes {
  readonly stages: readonly StageTimes[];
  readonly hops: readonly HopTimes[];
  /** Drawing the token and handing it on. */
  readonly samplingMilliseconds: number;
}

export function tokenTimes(plan: Plan, { model, candidates }: Planning): TokenTimes | undefined {
  const times = planTimes(plan, model, candidates, 'token');
  if (times === undefined) return undefined;
  return {
    stages: times.stages.map(({ members, seconds }, stage) => ({
      stage,
      milliseconds: milliseconds(seconds),
      members: members.map(({ candidate }) => {
        const { decodeBytesPerSecond, source } = model.speed(candidate);
        return {
          nodeName: candidate.node.nodeName,
          deviceId: `${candidate.device.backend}/${candidate.properties.id}`,
          bytesPerSecond: Math.round(decodeBytesPerSecond),
          source,
        };
      }),
    })),
    hops: times.hops.map(hopTimes),
    samplingMilliseconds: milliseconds(times.sampling),
  };
}

function hopTimes({ from, to, path, seconds }: PredictedHop): HopTimes {
  return {
    from: nameCandidate(from),
    to: nameCandidate(to),
    kind: path.kind,
    latencyMicroseconds: Number((path.latencySeconds * 1e6).toPrecision(4)),
    bytesPerSecond: Math.round(path.bytesPerSecond),
    source: path.source,
    milliseconds: milliseconds(seconds),
  };
}

const milliseconds = (seconds: number): number => Number((seconds * 1000).toPrecision(4));

/** As text for people. */
export function explainTimes(
  { predicted }: Plan,
  times: TokenTimes | undefined,
  considered: readonly ConsideredPlan[],
): string {
  if (predicted === undefined || times === undefined) return '';
  const { millisecondsPerToken, tokensPerSecond, prefillTokensPerSecond, timeToFirstTokenMilliseconds, promptTokens } =
    predicted;
  const { fullContext } = predicted;
  const stageRows = times.stages.map((one) => [
    `stage ${one.stage}`,
    one.members.map(({ nodeName, deviceId }) => `${deviceId} on ${nodeName}`).join(' + '),
    formatMilliseconds(one.milliseconds),
    one.members
      .map(({ bytesPerSecond, source }) => `${formatRate(bytesPerSecond)} (${sourceName(source)})`)
      .join(' + '),
  ]);
  const hopRows = times.hops.map((hop) => [
    'hop',
    `${hop.from} → ${hop.to}`,
    formatMilliseconds(hop.milliseconds),
    `${hop.kind}, ${hop.latencyMicroseconds} µs, ${formatRate(hop.bytesPerSecond)} (${sourceName(hop.source)})`,
  ]);
  const lines = [
    `Predicted: ${formatMilliseconds(millisecondsPerToken)} a token (${tokensPerSecond.toPrecision(3)} tokens/s with every slot ` +
      `taken), a prompt of ${promptTokens} at ${prefillTokensPerSecond.toPrecision(3)} tokens/s: ` +
      `${formatMilliseconds(timeToFirstTokenMilliseconds)} to the first token.`,
    ...(fullContext === undefined
      ? []
      : [
          `With all ${fullContext.positions} positions taken: ${formatMilliseconds(fullContext.millisecondsPerToken)} a ` +
            `token, ${formatMilliseconds(fullContext.timeToFirstTokenMilliseconds)} to the first token of such a prompt.`,
        ]),
    ...formatTable([
      ...stageRows,
      ...hopRows,
      ['sampling and telling', '', formatMilliseconds(times.samplingMilliseconds), ''],
    ]),
  ];
  if (considered.length > 0) {
    lines.push('', 'Considered, too:');
    for (const { description, millisecondsPerToken: time } of considered) {
      lines.push(`- ${description}: ${formatMilliseconds(time)} a token`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** What was not measured should be seen to be so. */
function sourceName(source: FigureSource): string {
  return source === 'table' ? 'assumed' : source;
}

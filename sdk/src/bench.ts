/** Measures a loaded model: prefill and decode apart, and where each member's time went. */
import type { MemberReport } from '@shoal/core';
import type { LoadedModel } from './loaded-model.js';

export interface BenchmarkOptions {
  /** Each is a test: a prompt of so many tokens, and one token generated. */
  readonly promptLengths: readonly number[];
  /** Each is a test: so many tokens generated after a short prompt. */
  readonly generateLengths: readonly number[];
  /** Measured runs of each test. */
  readonly repeats: number;
  /** Runs before them that do not count. */
  readonly warmUps: number;
  readonly signal?: AbortSignal | undefined;
  readonly onRun?: ((done: number, total: number) => void) | undefined;
}

export interface Spread {
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** What one step cost a member, on average over the measured runs of a test. */
export interface MemberShare {
  readonly stage: number;
  readonly member: number;
  readonly nodeName: string;
  readonly steps: number;
  readonly computeMicrosecondsPerStep: number;
  readonly waitMicrosecondsPerStep: number;
  readonly wireMicrosecondsPerStep: number;
  readonly bytesSentPerStep: number;
  readonly bytesReceivedPerStep: number;
}

export interface BenchmarkTest {
  readonly kind: 'prefill' | 'decode';
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Of the prompt for prefill, of the answer after its first token for decode; as the engine measured it. */
  readonly tokensPerSecond: Spread;
  /** As the caller saw it. */
  readonly timeToFirstTokenMilliseconds: Spread;
  readonly members: readonly MemberShare[];
}

/** Prompt of a decode test. */
const shortPromptLength = 8;
/** Every byte-level or SentencePiece vocabulary has these ids; which ones they are does not matter for speed. */
const firstTokenId = 3;
const tokenIdCount = 240;

/** Runs all tests one after the other; requests run alone. Rejects with what ended a request. */
export async function runBenchmark(model: LoadedModel, options: BenchmarkOptions): Promise<BenchmarkTest[]> {
  const tests = [
    ...options.promptLengths.map((promptTokens) => ({ kind: 'prefill', promptTokens, generatedTokens: 1 }) as const),
    ...options.generateLengths.map(
      (generatedTokens) => ({ kind: 'decode', promptTokens: shortPromptLength, generatedTokens }) as const,
    ),
  ];
  const total = tests.length * (options.warmUps + options.repeats);
  let done = 0;
  const results: BenchmarkTest[] = [];
  for (const test of tests) {
    const rates: number[] = [];
    const firstTokens: number[] = [];
    let before: readonly MemberReport[] = [];
    for (let run = 0; run < options.warmUps + options.repeats; run++) {
      if (run === options.warmUps) before = await model.statistics(options.signal);
      const prompt = promptOf(test.promptTokens, done);
      const { timings } = await model.generate(prompt, {
        maximumTokens: test.generatedTokens,
        ignoreEndOfText: true,
        temperature: 0,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      }).result;
      done += 1;
      options.onRun?.(done, total);
      if (run < options.warmUps) continue;
      const rate =
        test.kind === 'prefill'
          ? (test.promptTokens * 1000) / timings.prefillMilliseconds
          : ((test.generatedTokens - 1) * 1000) / timings.decodeMilliseconds;
      rates.push(rate);
      firstTokens.push(timings.timeToFirstTokenMilliseconds);
    }
    const after = await model.statistics(options.signal);
    results.push({
      ...test,
      tokensPerSecond: spreadOf(rates),
      timeToFirstTokenMilliseconds: spreadOf(firstTokens),
      members: after.map((report, index) => shareOf(before[index], report)),
    });
  }
  return results;
}

/** Differs in every run from its first token on, so that no run profits from a cache of the one before. */
function promptOf(length: number, run: number): number[] {
  return Array.from({ length }, (_, index) => firstTokenId + ((run * 31 + index * index + 7 * index) % tokenIdCount));
}

/** Median of an even number of values: the mean of the two in the middle. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((left, right) => left - right);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2;
  return { median, minimum: at(0), maximum: at(sorted.length - 1) };
}

function shareOf(before: MemberReport | undefined, { stage, member, nodeName, statistics }: MemberReport): MemberShare {
  const start = before?.statistics;
  const steps = statistics.steps - (start?.steps ?? 0);
  const perStep = (field: Exclude<keyof typeof statistics, 'steps' | 'generatedTokens' | 'answers'>) =>
    (statistics[field] - (start?.[field] ?? 0)) / Math.max(1, steps);
  return {
    stage,
    member,
    nodeName,
    steps,
    computeMicrosecondsPerStep: perStep('computeMicroseconds'),
    waitMicrosecondsPerStep: perStep('waitMicroseconds'),
    wireMicrosecondsPerStep: perStep('wireMicroseconds'),
    bytesSentPerStep: perStep('wireBytesSent'),
    bytesReceivedPerStep: perStep('wireBytesReceived'),
  };
}

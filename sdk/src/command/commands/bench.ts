import { formatBytes, formatTable, type Plan } from '@shoal/core';
import { type BenchmarkTest, runBenchmark, type Spread } from '../../bench.js';
import type { Command, CommandInvocation } from '../command.js';
import { loadModel, modelArgument } from '../generation.js';
import type { ParsedOptions } from '../options.js';
import { modelOptions, openCluster, sessionOptions } from '../session.js';
import type { Terminal } from '../terminal.js';
import { describeVersion } from '../version.js';

const defaultPromptLengths = [128];
const defaultGenerateLengths = [64];
const defaultRepeats = 5;
const contextMargin = 16;

async function bench({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [model = ''] = positionals;
  const promptLengths = options.numbers('prompt') ?? defaultPromptLengths;
  const generateLengths = options.numbers('generate') ?? defaultGenerateLengths;
  await using cluster = await openCluster(options, terminal, signal);
  const started = performance.now();
  const loaded = await loadModel(
    cluster,
    model,
    withContext(options, [...promptLengths, ...generateLengths]),
    terminal,
    signal,
  );
  const loadMilliseconds = performance.now() - started;
  const repeats = options.number('repeats') ?? defaultRepeats;
  const tests = await runBenchmark(loaded, {
    promptLengths,
    generateLengths,
    repeats,
    warmUps: options.number('warm-up') ?? 1,
    signal,
    onRun: (done, total) => terminal.progress('measuring', done / total),
  });
  terminal.clearProgress();
  if (terminal.isJson) {
    const { plan } = loaded;
    terminal.json({ model: plan.modelName, ...describeVersion(), loadMilliseconds, repeats, tests, plan });
  } else {
    printTests(terminal, loaded.plan, tests);
    terminal.note(`loaded in ${Math.round(loadMilliseconds)} ms; median of ${repeats} runs (lowest to highest)`);
  }
}

/** A context that holds the longest test, unless one was asked for: the state of a longer one only takes memory. */
function withContext(options: ParsedOptions, lengths: readonly number[]): ParsedOptions {
  return options.text('context') === undefined
    ? options.with('context', String(Math.max(...lengths) + contextMargin))
    : options;
}

function printTests(terminal: Terminal, plan: Plan, tests: readonly BenchmarkTest[]): void {
  terminal.line(`${terminal.bold(plan.modelName)}  ${describeShape(plan)}, matrices ${plan.storage.matrix}`);
  for (const test of tests) {
    const { kind, promptTokens, generatedTokens } = test;
    terminal.line();
    const what = kind === 'prefill' ? `prefill of ${promptTokens} tokens` : `decode of ${generatedTokens} tokens`;
    terminal.line(terminal.bold(what));
    terminal.line(`  ${formatSpread(test.tokensPerSecond)} tokens/s`);
    terminal.line(`  ${formatSpread(test.timeToFirstTokenMilliseconds)} ms to the first token`);
    const rows = test.members.map((share) => [
      `  ${share.stage}`,
      String(share.member),
      share.nodeName,
      ...[share.computeMicrosecondsPerStep, share.waitMicrosecondsPerStep, share.wireMicrosecondsPerStep].map(
        (microseconds) => `${(microseconds / 1000).toFixed(3)} ms`,
      ),
      formatBytes(Math.round(share.bytesSentPerStep)),
      formatBytes(Math.round(share.bytesReceivedPerStep)),
    ]);
    const heading = ['  stage', 'member', 'node', 'compute', 'wait', 'wire', 'sent', 'received'];
    for (const line of formatTable([heading, ...rows])) terminal.line(line);
  }
  terminal.line();
  terminal.line('Times and bytes of members are of one step: a forward pass of the whole model.');
}

/** `1 stage of 1 member`, `3 stages of 1, 2 and 1 members`. */
function describeShape({ stages }: Plan): string {
  const counts = stages.map(({ members }) => members.length);
  const differ = new Set(counts).size > 1;
  const numbers = differ ? new Intl.ListFormat('en-GB').format(counts.map(String)) : String(counts[0]);
  const members = numbers === '1' ? 'member' : 'members';
  return `${counts.length} ${counts.length === 1 ? 'stage' : 'stages'} of ${numbers} ${members}`;
}

function formatSpread({ median, minimum, maximum }: Spread): string {
  const digits = median < 100 ? 1 : 0;
  return `${median.toFixed(digits)} (${minimum.toFixed(digits)} to ${maximum.toFixed(digits)})`;
}

const lengths = { minimum: 1, maximum: 1_000_000, integer: true, list: true } as const;

export const benchCommand: Command = {
  name: 'bench',
  group: 'Look',
  arguments: [modelArgument],
  summary: 'Measure decode, prefill and the time to the first token, and where each member spends its time.',
  description:
    'Prefill and decode are separate tests. Compute is time in the backend, wait is time for other members, wire is ' +
    'time for moving bytes and adding up what others sent.',
  options: [
    { name: 'prompt', value: 'LIST', description: 'Prompt lengths to prefill.', default: '128', number: lengths },
    {
      name: 'generate',
      value: 'LIST',
      description: 'Numbers of tokens to decode after a short prompt.',
      default: '64',
      number: { ...lengths, minimum: 2 },
    },
    {
      name: 'repeats',
      value: 'N',
      description: 'Measured runs of each test.',
      default: String(defaultRepeats),
      number: { minimum: 1, maximum: 1000, integer: true },
    },
    {
      name: 'warm-up',
      value: 'N',
      description: 'Runs before them that do not count.',
      default: '1',
      number: { minimum: 0, maximum: 1000, integer: true },
    },
    ...modelOptions,
    ...sessionOptions,
  ],
  examples: [
    ['shoal bench shoal-tiny-chat', 'this machine, as the planner would use it'],
    ['shoal bench ./Llama-3.2-1B --storage q4_0 --prompt 128,512 --generate 128', 'several lengths'],
    ['shoal bench shoal-tiny-chat --local-nodes 2 --plan tp=2 --json', 'two processes share every layer'],
  ],
  run: bench,
};

// Random schedules of requests over two stages of two members, through everything between a caller and the kernels:
// requests join, are cancelled, lose their callers, and finish. Whatever happens, nothing stays behind, and every token
// is told once and in order. A failing schedule names its seed; `SHOAL_SCHEDULE_SEED=17 node …/schedules.test.js` plays it
// again: the same requests and the same disturbances after the same tokens, though processes may meet otherwise.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LoadedModel, LocalCluster } from 'shoal';
import t from 'tap';
import { startLocalNodes } from './support/local.js';

const scheduleCount = 30;
const slotCount = 3;
const mostRequests = 6;
const longestAnswer = 24;
const prompts = ['What is 12 plus 30?', 'Hello', 'Name a colour', '7', 'Count to ten, please, and do not hurry'];
/** Callers in processes of their own that are killed; each costs the start of a program. */
const attachedCallers = 3;
const patienceMilliseconds = 60_000;

type Ending = 'finish' | 'cancel' | 'abort' | 'leave' | 'kill';

interface PlannedRequest {
  readonly prompt: string;
  readonly tokens: number;
  readonly ending: Ending;
  /** Tokens after which the disturbance comes. */
  readonly after: number;
  /** Tokens of the request before it after which this one joins; 0: at once. */
  readonly joinsAfter: number;
}

/** Marsaglia's xorshift: enough to vary schedules, and the same everywhere. */
function randomNumbers(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b9) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function planSchedule(seed: number): PlannedRequest[] {
  const below = randomNumbers(seed);
  const endings: readonly Ending[] = ['finish', 'finish', 'cancel', 'abort', 'leave'];
  const count = 1 + below(mostRequests);
  const requests = Array.from({ length: count }, (): PlannedRequest => {
    const tokens = 1 + below(longestAnswer);
    return {
      prompt: prompts[below(prompts.length)] ?? '',
      tokens,
      ending: endings[below(endings.length)] ?? 'finish',
      after: below(tokens + 1),
      joinsAfter: below(2) === 0 ? 0 : 1 + below(4),
    };
  });
  const [first, ...others] = requests;
  // An attached program waits for its tokens long enough to be killed on the way.
  if (first && seed % Math.ceil(scheduleCount / attachedCallers) === 0)
    return [{ ...first, tokens: longestAnswer, ending: 'kill', after: 1 + below(longestAnswer / 2) }, ...others];
  return requests;
}

/** What a request has told its caller. */
interface Told {
  readonly request: PlannedRequest;
  readonly tokens: number[];
  finishReason?: string;
  error?: unknown;
}

const options = ({ tokens }: PlannedRequest) => ({ temperature: 0, maximumTokens: tokens, ignoreEndOfText: true });
const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;

/** Runs schedules on one loaded model. */
class Player {
  constructor(
    private readonly cluster: LocalCluster,
    private readonly model: LoadedModel,
  ) {}

  async play(seed: number): Promise<Told[]> {
    const told = planSchedule(seed).map((request): Told => ({ request, tokens: [] }));
    await Promise.all(
      told.map(async (one, index) => {
        const before = told[index - 1];
        while (before && before.tokens.length < Math.min(one.request.joinsAfter, before.request.tokens)) {
          if (before.finishReason !== undefined || before.error !== undefined) break;
          await delay(1);
        }
        try {
          await this.run(one);
        } catch (error) {
          one.error = error;
        }
      }),
    );
    return told;
  }

  private run(told: Told): Promise<void> {
    if (told.request.ending === 'kill') return this.runAttached(told);
    return told.request.ending === 'finish' ? this.listen(told) : this.disturb(told);
  }

  /** Every event of a request that is left alone, with the number that its head gave each token. */
  private async listen(told: Told): Promise<void> {
    const { maximumTokens, ignoreEndOfText, temperature } = options(told.request);
    const order = {
      input: { kind: 'prompt', prompt: told.request.prompt },
      sampling: { temperature },
      maximumTokens,
      ignoreEndOfText,
    } as const;
    for await (const event of this.cluster.nodeService.generate(this.model.instance, order)) {
      if (event.kind === 'finished') told.finishReason = event.reason;
      if (event.kind !== 'token') continue;
      if (event.index !== told.tokens.length)
        throw new Error(`token ${event.index} after ${told.tokens.length} tokens`);
      told.tokens.push(event.token);
    }
  }

  private async disturb(told: Told): Promise<void> {
    const { ending, after, prompt } = told.request;
    const controller = new AbortController();
    const generation = this.model.generate(prompt, { ...options(told.request), signal: controller.signal });
    const end = () => (ending === 'abort' ? controller.abort() : generation.cancel());
    if (after === 0 && ending !== 'leave') end();
    for await (const { token } of generation) {
      if (token !== undefined) told.tokens.push(token);
      if (told.tokens.length < after) continue;
      if (ending === 'leave') break;
      end();
    }
    told.finishReason = (await generation.result).finishReason;
  }

  /** A caller in a process of its own, which prints each token and is killed in the middle. */
  private async runAttached(told: Told): Promise<void> {
    const script = `
      import { attach } from 'shoal';
      const cluster = await attach({ home: ${JSON.stringify(this.cluster.processes[0]?.home)} });
      const model = await cluster.model(${JSON.stringify(this.model.instance)});
      const options = ${JSON.stringify({ ...options(told.request), maximumTokens: 400 })};
      for await (const { token } of model.generate(${JSON.stringify(told.request.prompt)}, options)) console.log(token);`;
    const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('../../../sdk', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    if (!child.stdout) throw new Error('the caller has no output');
    for await (const line of createInterface({ input: child.stdout })) {
      if (told.tokens.push(Number(line)) >= told.request.after) child.kill('SIGKILL');
    }
    const [, signal] = (await exited) as [number | null, string | null];
    told.finishReason = signal ?? 'ended by itself';
  }

  /** Members that still hold something of a request, when patience is over; none is as it must be. */
  async leftBehind(): Promise<unknown[]> {
    const end = performance.now() + patienceMilliseconds;
    for (;;) {
      const reports = await this.model.statistics();
      const left = reports.filter(
        ({ statistics }) => statistics.residentSlots + statistics.waitingRequests + statistics.occupiedSlots > 0,
      );
      if (left.length === 0 || performance.now() > end) return left;
      await delay(5);
    }
  }
}

/** What is wrong with what a request told. */
function problemOf({ request, tokens, finishReason, error }: Told, alone: readonly number[]): string | undefined {
  const heard = tokens.slice(0, longestAnswer);
  const wrong = heard.findIndex((token, index) => token !== alone[index]);
  if (wrong >= 0) return `token ${wrong} is ${heard[wrong]}, and ${alone[wrong]} alone`;
  if (request.ending === 'kill') return finishReason === 'SIGKILL' ? undefined : `the caller ${finishReason ?? error}`;
  // Who leaves hears no more, also of an answer that had ended before the news of it came.
  const expected = request.ending === 'leave' ? tokens.length : request.tokens;
  if (finishReason === 'length') return tokens.length === expected ? undefined : `${tokens.length} tokens`;
  if (request.ending === 'finish') return `ended with ${error ?? finishReason}`;
  return codeOf(error) === 'ABORTED' ? undefined : `ended with ${error ?? finishReason}`;
}

t.test('random schedules over two stages of two members', async (t) => {
  await using cluster = await startLocalNodes(4);
  // In F32 ggml's kernels for one row and for several agree closely enough; docs/sampling.md says where they do not.
  const storage = { matrix: 'f32', embedding: 'f32' } as const;
  const model = await cluster.load('shoal-tiny-chat', { plan: 'tp=2,pp=2', slotCount, storage, stateStorage: 'f32' });
  t.same(
    model.plan.stages.map(({ members }) => new Set(members.map(({ nodeId }) => nodeId)).size),
    [2, 2],
  );
  const alone = new Map<string, readonly number[]>();
  for (const prompt of prompts) {
    const { tokens } = await model.generate(prompt, {
      temperature: 0,
      maximumTokens: longestAnswer,
      ignoreEndOfText: true,
    }).result;
    alone.set(prompt, tokens);
  }
  const player = new Player(cluster, model);
  const only = process.env.SHOAL_SCHEDULE_SEED;
  const seeds = only === undefined ? Array.from({ length: scheduleCount }, (_, seed) => seed) : [Number(only)];
  const endings = new Map<string, number>();
  for (const seed of seeds) {
    const told = await player.play(seed);
    const problems = told.flatMap((one) => problemOf(one, alone.get(one.request.prompt) ?? []) ?? []);
    const replay = `seed ${seed}; again with SHOAL_SCHEDULE_SEED=${seed}`;
    t.same(problems, [], `every token once and in order: ${replay}`);
    t.same(await player.leftBehind(), [], `nothing is left behind: ${replay}`);
    for (const { finishReason, error } of told) {
      const ending = String(finishReason ?? codeOf(error));
      endings.set(ending, (endings.get(ending) ?? 0) + 1);
    }
  }
  t.comment(Object.fromEntries(endings));
  if (only === undefined)
    for (const ending of ['length', 'ABORTED', 'SIGKILL'])
      t.ok(endings.get(ending), `some requests ended with ${ending}`);
});

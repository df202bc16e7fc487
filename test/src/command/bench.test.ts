import type { BenchmarkTest, MemberShare } from 'shoal';
import t from 'tap';
import { shoal } from '../support/command.js';

interface Document {
  readonly model: string;
  readonly loadMilliseconds: number;
  readonly repeats: number;
  readonly tests: readonly BenchmarkTest[];
}

for (const shape of ['pp=2', 'tp=2']) {
  t.test(`shoal bench over two processes, ${shape}`, async (t) => {
    const words = ['bench', 'shoal-tiny-chat', '--local-nodes', '2', '--plan', shape, '--json'];
    const { code, output, errors } = await shoal([...words, '--prompt', '40,9', '--generate', '5', '--repeats', '2']);
    t.equal(code, 0, `${errors}${output}`);
    const { model, loadMilliseconds, repeats, tests } = JSON.parse(output) as Document;
    t.match({ model, repeats }, { model: 'shoal-tiny-chat', repeats: 2 });
    t.ok(loadMilliseconds > 0);
    t.match(tests, [
      { kind: 'prefill', promptTokens: 40, generatedTokens: 1 },
      { kind: 'prefill', promptTokens: 9, generatedTokens: 1 },
      { kind: 'decode', promptTokens: 8, generatedTokens: 5 },
    ]);
    for (const { tokensPerSecond, timeToFirstTokenMilliseconds, members, kind } of tests) {
      for (const { median, minimum, maximum } of [tokensPerSecond, timeToFirstTokenMilliseconds]) {
        t.ok(minimum > 0 && minimum <= median && median <= maximum, `${minimum} ≤ ${median} ≤ ${maximum}`);
      }
      t.equal(members.length, 2);
      // A message that has arrived is not waited for: one member may be late for all of them, but not both.
      t.ok(members.some(({ waitMicrosecondsPerStep }) => waitMicrosecondsPerStep > 0));
      for (const member of members) checkShare(t, member, kind === 'prefill' ? 1 : 5);
    }
    // A row of hidden values goes over the wire for every prompt token (or is exchanged, several times).
    const [long, short] = tests.map(({ members }) => members[0]?.bytesSentPerStep ?? 0);
    t.ok((long ?? 0) > 4 * (short ?? 0), `${long} bytes for 40 tokens, ${short} for 9`);
  });
}

function checkShare(t: Tap, share: MemberShare, stepsPerRun: number): void {
  t.equal(share.steps, 2 * stepsPerRun, 'a step for the prompt and one for each further token, in both runs');
  for (const field of ['compute', 'wire'] as const) {
    t.ok(share[`${field}MicrosecondsPerStep`] > 0, `${field} of ${share.nodeName}`);
  }
  t.ok(share.bytesSentPerStep > 0 && share.bytesReceivedPerStep > 0);
}

type Tap = Pick<typeof t, 'ok' | 'equal'>;

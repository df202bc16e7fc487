import type { Plan } from 'shoal';
import t from 'tap';
import { shoal } from '../support/command.js';

interface Document {
  readonly plan: Plan;
  readonly bitsPerWeight: { readonly matrix: number; readonly embedding: number };
  readonly members: readonly {
    readonly weightBytes: number;
    readonly stateBytes: number;
    readonly workingBytes: number;
    readonly availableBytes: number;
  }[];
  readonly otherShapes: readonly { readonly shape: string; readonly fits: boolean; readonly message?: string }[];
  readonly program?: string;
}

t.test('the numbers behind a plan', async (t) => {
  const words = ['explain', 'shoal-tiny-chat', '--local-nodes', '2', '--plan', 'pp=2', '--json', '--program'];
  const { code, output, errors } = await shoal([...words, '--storage', 'q4_0', '--context', '256', '--slots', '2']);
  t.equal(code, 0, `${errors}${output}`);
  const { plan, bitsPerWeight, members, otherShapes, program } = JSON.parse(output) as Document;
  t.same(bitsPerWeight, { matrix: 4.5, embedding: 4.5 });
  t.equal(members.length, 2);
  for (const [stage, { weightBytes, stateBytes, workingBytes, availableBytes }] of members.entries()) {
    const planned = plan.stages[stage]?.members[0];
    t.equal(weightBytes, planned?.weightBytes);
    t.equal(stateBytes + workingBytes, planned?.stateBytes, 'state and work are told apart');
    t.ok(stateBytes > 0 && workingBytes > 0 && availableBytes > weightBytes + stateBytes + workingBytes);
  }
  t.same(
    otherShapes.map(({ shape, fits }) => [shape, fits]),
    [
      ['pp=1', true],
      ['tp=2,pp=1', true],
    ],
  );
  t.match(program, /^llama layers 0–3, input tokens/);
});

t.test('a refusal has its numbers, too', async (t) => {
  const { code, output } = await shoal(['explain', 'shoal-tiny-chat', '--plan', 'pp=3', '--json']);
  t.equal(code, 0);
  t.match(JSON.parse(output), { refusal: { code: 'PLAN_SHAPE_IMPOSSIBLE', message: /needs 3 devices; there are 1/ } });
});

import { DecisionKeeper } from '@shoal/core/internal/consensus/decision-keeper.js';
import { type Decisions, noDecisions } from '@shoal/core/internal/consensus/decisions.js';
import { VirtualTime } from '@shoal/core/internal/simulation/virtual-time.js';
import t from 'tap';

const state = (forgottenTerm: number): Decisions => ({ ...noDecisions, forgottenTerm });

function setUp(writeMilliseconds: number) {
  const time = new VirtualTime();
  const written: number[] = [];
  let open = 0;
  const store = {
    write(decisions: Decisions, ended: () => void) {
      if (++open > 1) throw new Error('two writes at once');
      time.schedule(writeMilliseconds, () => {
        open--;
        written.push(decisions.forgottenTerm);
        ended();
      });
    },
  };
  const keeper = new DecisionKeeper(store, time);
  const said: string[] = [];
  const wait = (name: string) =>
    keeper.whenKept(
      () => said.push(`${name} at ${time.now()}`),
      () => said.push(`${name} abandoned`),
    );
  return { time, keeper, written, said, wait };
}

t.test('one write at a time, always of the latest state', async (t) => {
  const { time, keeper, written, said, wait } = setUp(100);
  wait('nothing');
  for (const change of [1, 2, 3]) {
    keeper.changed(state(change));
    wait(`change ${change}`);
  }
  time.runUntil(150);
  keeper.changed(state(4));
  wait('change 4');
  time.runUntil(1000);
  t.same(written, [1, 3, 4]);
  t.same(said, ['nothing at 0', 'change 1 at 100', 'change 2 at 200', 'change 3 at 200', 'change 4 at 300']);
  wait('all');
  t.equal(said.at(-1), 'all at 1000');
});

t.test('a disk that does not take it is not waited for', async (t) => {
  const { time, keeper, said, wait } = setUp(60_000);
  keeper.changed(state(1));
  wait('one');
  time.runUntil(2999);
  t.same(said, []);
  time.runUntil(70_000);
  t.same(said, ['one at 3000']);
});

t.test('who waits when the node stops is told', async (t) => {
  const { time, keeper, said, wait } = setUp(100);
  keeper.changed(state(1));
  wait('one');
  keeper.stop();
  t.same(said, ['one abandoned']);
  time.runUntil(10_000);
  t.same(said, ['one abandoned'], 'once');
});

t.test('without a store nothing is waited for', async (t) => {
  const keeper = new DecisionKeeper(undefined, new VirtualTime());
  keeper.changed(state(1));
  let isKept = false;
  keeper.whenKept(
    () => {
      isKept = true;
    },
    () => t.fail('abandoned'),
  );
  t.ok(isKept);
});

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from '@shoal/core/internal/consensus/changes.js';
import { addDecision, type Decisions, decisionLimits, noDecisions } from '@shoal/core/internal/consensus/decisions.js';
import { decisionsDigest } from '@shoal/core/internal/consensus/state.js';
import {
  decisionsFromText,
  type KeptDecisions,
  openDecisionFile,
  textOfDecisions,
} from '@shoal/core/internal/node/decision-file.js';
import { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';
import t from 'tap';

const tag = '0123456789abcdef';

function someDecisions(seed: number, count: number): Decisions {
  const random = new SeededRandom(seed);
  let decisions = noDecisions;
  const sequences = new Map<string, number>();
  for (let order = 1; order <= count; order++) {
    const leader = random.pick(['n1', 'n2', 'ñ3']);
    const sequence = (sequences.get(leader) ?? 0) + 1;
    sequences.set(leader, sequence);
    const nodeId = `n${random.integer(1, 9)}`;
    const change: Change = random.pick<Change>([
      { kind: 'cordon-node', nodeId, reason: 'ein “neuer” Lüfter\n' },
      { kind: 'uncordon-node', nodeId },
      { kind: 'want-model', wish: `w${order}`, model: '/models/a', optionsJson: '{"plan":"pp=2"}' },
      { kind: 'drop-model', wish: `w${random.integer(1, order)}` },
      { kind: 'forget-node', nodeId, incarnation: 1_764_000_000_000 + order },
    ]);
    const session = { term: sequences.size, leader, nonce: 'a' };
    decisions = addDecision(decisions, { id: `d${order}`, session, sequence, order, change }, decisionLimits);
  }
  return decisions;
}

const write = ({ store }: KeptDecisions, decisions: Decisions) =>
  new Promise<void>((ended) => {
    if (store) store.write(decisions, ended);
    else ended();
  });

t.test('what is written is read again', async (t) => {
  for (let seed = 1; seed <= 50; seed++) {
    const decisions = someDecisions(seed, seed);
    const again = decisionsFromText(textOfDecisions(decisions));
    t.same(again, decisions, `${seed} decisions`);
    t.equal(decisionsDigest(again), decisionsDigest(decisions));
  }
});

t.test('a home keeps them, by cluster', async (t) => {
  const home = t.testdir();
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  const first = await openDecisionFile(home, tag, warn);
  t.equal(first.decisions, undefined, 'nothing at first');
  await write(first, someDecisions(1, 3));
  await write(first, someDecisions(1, 9));
  t.same((await openDecisionFile(home, tag, warn)).decisions, someDecisions(1, 9), 'the last state');
  t.equal((await openDecisionFile(home, 'fedcba9876543210', warn)).decisions, undefined, 'none of another cluster');
  t.same(readdirSync(home), [`decisions-${tag}.json`], 'nothing else is left');
  if (process.platform !== 'win32') {
    t.equal(statSync(join(home, `decisions-${tag}.json`)).mode & 0o777, 0o600, 'for its user alone');
  }
  t.same(warnings, []);
});

t.test('what cannot be read is kept aside, and said', async (t) => {
  const whole = textOfDecisions(someDecisions(3, 20));
  const cases: Readonly<Record<string, [text: string, said: RegExp]>> = {
    empty: ['', /not JSON/],
    'cut off': [whole.slice(0, whole.length / 2), /not JSON/],
    'one digit is another one': [whole.replace(/"order":(\d)/, '"order":9$1'), /damaged/],
    'no decisions': ['{"version":1}', /damaged/],
    'a null': ['null', /version undefined/],
    'of a later version': [whole.replace('"version":1', '"version":2'), /format is version 2.*reads 1/],
  };
  for (const [name, [text, said]] of Object.entries(cases)) {
    const home = t.testdir({ [`decisions-${tag}.json`]: text });
    const path = join(home, `decisions-${tag}.json`);
    const warnings: string[] = [];
    const kept = await openDecisionFile(home, tag, (message) => warnings.push(message));
    t.equal(kept.decisions, undefined, name);
    t.equal(warnings.length, 1);
    t.match(warnings[0], said);
    t.match(warnings[0], `kept as ${path}.unread`);
    t.equal(readFileSync(`${path}.unread`, 'utf8'), text, 'as it was');
    await write(kept, someDecisions(4, 2));
    t.same((await openDecisionFile(home, tag, () => t.fail('nothing is wrong now'))).decisions, someDecisions(4, 2));
    rmSync(home, { recursive: true });
  }
});

t.test('a disk that takes nothing leaves what was there, and is mentioned once', async (t) => {
  const home = t.testdir();
  const path = join(home, `decisions-${tag}.json`);
  const warnings: string[] = [];
  const kept = await openDecisionFile(home, tag, (message) => warnings.push(message));
  await write(kept, someDecisions(5, 5));
  mkdirSync(`${path}.tmp`);
  writeFileSync(join(`${path}.tmp`, 'in the way'), '');
  await write(kept, someDecisions(5, 6));
  await write(kept, someDecisions(5, 7));
  t.equal(warnings.length, 1);
  t.match(warnings[0], /cannot be kept/);
  t.same(decisionsFromText(readFileSync(path, 'utf8')), someDecisions(5, 5), 'whole');
  rmSync(`${path}.tmp`, { recursive: true });
  await write(kept, someDecisions(5, 8));
  t.same(decisionsFromText(readFileSync(path, 'utf8')), someDecisions(5, 8), 'kept again');
  t.notOk(existsSync(`${path}.tmp`));
});

t.test('what could not be read again is not written', async (t) => {
  const home = t.testdir();
  const warnings: string[] = [];
  const opened = await openDecisionFile(home, tag, (message) => warnings.push(message));
  // Fewer letters than the file may have bytes, in three bytes each.
  const change: Change = { kind: 'cordon-node', nodeId: 'n1', reason: '字'.repeat(6_000_000) };
  const session = { term: 1, leader: 'n1', nonce: 'a' };
  await write(opened, addDecision(noDecisions, { id: 'd1', session, sequence: 1, order: 1, change }, decisionLimits));
  t.match(warnings, [/cannot be kept.*they take more than 16777216 bytes/]);
  t.same(readdirSync(home), []);
});

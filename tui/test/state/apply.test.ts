import { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';
import { apply, applyAll } from '@shoal/tui/internal/state/apply.js';
import { longestHistory } from '@shoal/tui/internal/state/history.js';
import { initialState } from '@shoal/tui/internal/state/initial.js';
import { limits } from '@shoal/tui/internal/state/limits.js';
import type { DashboardState } from '@shoal/tui/internal/state/state.js';
import type { Update } from '@shoal/tui/internal/state/update.js';
import { chatView } from '@shoal/tui/internal/views/chat.js';
import { eventsView } from '@shoal/tui/internal/views/events.js';
import { headerView } from '@shoal/tui/internal/views/header.js';
import { modelsView } from '@shoal/tui/internal/views/models.js';
import { nodeView } from '@shoal/tui/internal/views/node.js';
import { planView } from '@shoal/tui/internal/views/plan.js';
import { requestsView } from '@shoal/tui/internal/views/requests.js';
import { topologyView } from '@shoal/tui/internal/views/topology.js';
import { screenLine, screenNames } from '@shoal/tui/internal/views/twin.js';
import t from 'tap';
import { problemsOf } from '../support/checks.js';
import { garbage, spoiled } from '../support/garbage.js';
import {
  begin,
  cluster,
  everything,
  explained,
  instance,
  machines,
  models,
  statistics,
  topology,
} from '../support/sample.js';

function problemsOfAll(state: DashboardState): readonly string[] {
  const context = { width: 'wide', now: begin } as const;
  const views = [topologyView, requestsView, nodeView, chatView, modelsView, eventsView, planView];
  return [
    ...problemsOf(state),
    ...views.flatMap((view) => problemsOf(view(state, context)).map((problem) => `${view.name}${problem}`)),
    ...problemsOf(headerView(state, begin)),
    ...screenNames.flatMap((screen) => problemsOf(screenLine(state, screen).figures)),
    ...sizeProblems(state),
  ];
}

function sizeProblems({
  nodes,
  links,
  instances,
  requests,
  models: known,
  events,
  explanations,
  chat,
}: DashboardState) {
  const sizes: readonly (readonly [string, number, number])[] = [
    ['nodes', nodes.length, limits.nodes + limits.goneNodes],
    ['links', links.length, limits.links],
    ['instances', instances.length, limits.instances],
    ['requests', requests.length, limits.requests],
    ['models', known.length, limits.models],
    ['events', events.length, limits.events],
    ['explanations', explanations.length, limits.explanations],
    ['chat', chat.messages.length, limits.chatMessages],
    ...[...nodes, ...instances].flatMap(({ history }) =>
      Object.values(history).map((column): [string, number, number] => ['history', column.length, longestHistory]),
    ),
  ];
  const uneven = [...nodes, ...instances].filter(
    ({ history }) => new Set(Object.values(history).map(({ length }) => length)).size !== 1,
  );
  return [
    ...sizes.filter(([, size, most]) => size > most).map(([name, size]) => `${name} has ${size}`),
    ...uneven.map(() => 'a history has columns of different lengths'),
  ];
}

t.test('a good cluster gives a clean state', async (t) => {
  const state = applyAll(initialState(begin), everything);
  t.same(problemsOfAll(state), []);
  t.same(JSON.parse(JSON.stringify(state)), state, 'and it survives JSON');
  t.equal(state.selfNodeId, 'anna-id');
  t.equal(state.at, begin + 1000);
});

t.test('garbage in any place gives a clean state', async (t) => {
  for (let seed = 0; seed < 120; seed += 1) {
    const random = new SeededRandom(seed);
    let state = initialState(begin);
    for (const update of everything) {
      const { kind, at } = update;
      // The kind alone is the dashboard's own word.
      const bad = random.chance(0.5) ? { ...(spoiled(update, random) as object), kind } : update;
      state = apply(state, { at, ...bad } as Update);
    }
    const problems = problemsOfAll(state);
    if (problems.length > 0) t.same(problems, [], `seed ${seed}`);
  }
});

t.test('nothing but garbage changes nothing that matters', async (t) => {
  for (let seed = 0; seed < 80; seed += 1) {
    const random = new SeededRandom(seed);
    const kinds = [...new Set(everything.map(({ kind }) => kind))];
    const updates = Array.from({ length: 8 }, () => {
      const names = ['nodes', 'instances', 'state', 'machines', 'topology', 'members', 'models', 'question'];
      const fields = [...names, 'explanation', 'events', 'records', 'text', 'connection', 'instance', 'ended', 'at'];
      return {
        ...Object.fromEntries(fields.map((field) => [field, garbage(random)])),
        kind: random.pick(kinds),
      } as unknown as Update;
    });
    const problems = problemsOfAll(applyAll(initialState(begin), updates));
    if (problems.length > 0) t.same(problems, [], `seed ${seed}`);
  }
});

t.test('updates of different kinds may come in any order', async (t) => {
  const independent: readonly Update[] = [machines, topology, models, explained, statistics(begin, 100)];
  // The cluster is told first: instances and nodes are what the others speak of.
  const expected = applyAll(initialState(begin), [cluster, ...independent]);
  for (let seed = 0; seed < 50; seed += 1) {
    const random = new SeededRandom(seed);
    const shuffled = [...independent];
    for (let place = shuffled.length - 1; place > 0; place -= 1) {
      const other = random.integer(0, place);
      [shuffled[place], shuffled[other]] = [shuffled[other] as Update, shuffled[place] as Update];
    }
    t.same(applyAll(initialState(begin), [cluster, ...shuffled]), expected);
  }
  const early = applyAll(initialState(begin), [machines, cluster, topology, models, explained, statistics(begin, 100)]);
  t.same(early, expected, 'machines may come before the nodes are listed');
});

t.test('the same answer twice is one', async (t) => {
  const once = applyAll(initialState(begin), everything);
  const again = applyAll(once, [cluster, topology, models]);
  t.same({ ...again, at: 0 }, { ...once, at: 0 });
  const machinesTwice = apply(once, machines);
  t.same(machinesTwice.nodes[0]?.history, once.nodes[0]?.history, 'of one moment there is one point');
});

t.test('histories are bounded, and the more nodes the shorter', async (t) => {
  let state = initialState(begin);
  for (let second = 0; second < longestHistory + 50; second += 1) {
    state = apply(state, { ...machines, at: begin + second * 1000 });
  }
  const history = state.nodes[0]?.history;
  t.equal(history?.at.length, longestHistory);
  t.equal(history?.at.at(-1), begin + (longestHistory + 49) * 1000);
  t.equal(history?.load.length, longestHistory);
  t.same([...(history?.at ?? [])].sort(), history?.at, 'in order');
  const many = Array.from({ length: 1000 }, (_, index) => ({
    nodeId: `n${index}`,
    nodeName: `n${index}`,
    devices: [],
  }));
  for (let second = 0; second < 70; second += 1) {
    state = apply(state, { kind: 'machines', at: begin + 1e6 + second * 1000, machines: many } as unknown as Update);
  }
  t.equal(state.nodes.find(({ nodeId }) => nodeId === 'n7')?.history.at.length, 59);
});

t.test('a node that is looked at for the first time tells of the minutes before', async (t) => {
  const state = applyAll(initialState(begin), [cluster, machines]);
  t.match(state.nodes[0]?.history, {
    at: [begin - 10_000, begin - 5000, begin],
    load: [0.5, null, 0.75],
    power: [20, 21, 28.4],
    temperature: [null, null, 62],
    memoryUsed: [null, null, 0.75],
  });
  const next = apply(state, { ...machines, at: begin + 5000 });
  t.equal(next.nodes[0]?.history.at.length, 4, 'and from then on it is watched');
});

t.test('without a step there is nothing to tell of steps, however often it is looked', async (t) => {
  const state = applyAll(initialState(begin), [cluster, statistics(begin, 100), statistics(begin + 1000, 100)]);
  const [member] = state.instances[0]?.members ?? [];
  t.match(member?.perStep.computeMilliseconds, { unknown: 'no step has run since the dashboard looks' });
  t.same(member?.stepsPerSecond, { value: 0, source: 'measured' });
});

t.test('counters tell what happened between two looks', async (t) => {
  let state = applyAll(initialState(begin), [cluster, statistics(begin, 100)]);
  const [first] = state.instances;
  t.match(first?.members[0]?.perStep.computeMilliseconds, { unknown: /two looks/ });
  state = apply(state, statistics(begin + 2000, 200));
  const [second] = state.instances;
  t.same(second?.tokensPerSecond, { value: 50, source: 'measured' });
  t.same(second?.members[1]?.perStep, {
    computeMilliseconds: { value: 10, source: 'measured' },
    wireMilliseconds: { value: 1, source: 'measured' },
    waitMilliseconds: { value: 9, source: 'measured' },
  });
  t.same(second?.members[0]?.stepsPerSecond, { value: 50, source: 'measured' });
  t.same(second?.history.waitShare, [null, 0.5]);
  state = apply(state, statistics(begin + 3000, 200));
  const [idle] = state.instances;
  t.same(idle?.members[0]?.stepsPerSecond, { value: 0, source: 'measured' });
  t.same(idle?.members[1]?.perStep.computeMilliseconds, { value: 10, source: 'measured' }, 'the last steps stay');
  // Loaded anew.
  state = apply(state, statistics(begin + 4000, 3));
  const [anew] = state.instances;
  t.match(anew?.tokensPerSecond, { unknown: /two looks/ });
  t.match(anew?.members[0]?.stepsPerSecond, { unknown: /two looks/ });
  t.equal(apply(state, { ...statistics(begin, 1), instance: 'another' } as Update).instances, state.instances);
});

t.test('an instance that is gone ends its requests', async (t) => {
  const running = { requestId: 4, choice: 0, state: 'answering', promptTokens: 3, submittedMicrosecondsAgo: 1000 };
  let state = applyAll(initialState(begin), [cluster, statistics(begin, 1, [running])]);
  t.match(state.requests, [{ request: `${instance}/4.0`, phase: 'answering', startedAt: begin - 1 }]);
  state = apply(state, { ...cluster, at: begin + 5000, instances: [] });
  t.match(state.requests, [{ phase: 'failed', outcome: 'INSTANCE_NOT_FOUND', endedAt: begin + 5000 }]);
});

t.test('a request that the head has forgotten has ended', async (t) => {
  const running = { requestId: 4, choice: 0, state: 'answering', submittedMicrosecondsAgo: 1000 };
  const updates = [cluster, statistics(begin, 1, [running]), statistics(begin + 1000, 1)];
  t.match(applyAll(initialState(begin), updates).requests, [{ phase: 'finished', outcome: 'unknown' }]);
});

t.test('a node that is listed no more is gone, and later forgotten', async (t) => {
  const [anna] = cluster.nodes;
  const alone = { ...cluster, nodes: anna === undefined ? [] : [anna] };
  let state = applyAll(initialState(begin), [cluster, { ...alone, at: begin + 1000 }]);
  t.match(state.nodes, [{ presence: 'self' }, { presence: 'gone', goneAt: begin + 1000 }, { presence: 'gone' }]);
  state = apply(state, { ...cluster, at: begin + 2000 });
  t.match(state.nodes[1], { presence: 'connected', goneAt: undefined });
  state = applyAll(state, [
    { ...alone, at: begin + 3000 },
    { ...alone, at: begin + 3001 + limits.goneMilliseconds },
  ]);
  t.same(
    state.nodes.map(({ nodeId }) => nodeId),
    ['anna-id'],
  );
});

t.test('ten thousand events leave the last', async (t) => {
  const events = Array.from({ length: 10_000 }, (_, index) => ({
    kind: 'node-joined' as const,
    nodeId: `n${index}`,
    nodeName: `n${index}`,
  }));
  const state = apply(initialState(begin), { kind: 'events', at: begin, events });
  t.equal(state.events.length, limits.events);
  t.equal(state.seenEvents, 10_000);
  t.match(state.events.at(-1), { sequence: 10_000, message: 'n9999 joined' });
  t.match(state.events[0], { sequence: 8001 });
});

t.test('progress of a load is a figure, not an event', async (t) => {
  const [loaded] = cluster.instances;
  const loading = { ...cluster, instances: [{ ...loaded, state: 'loading' }] } as unknown as Update;
  const progress = (nodeId: string, loadedBytes: number) =>
    ({ kind: 'load-progressed', instance, nodeId, loadedBytes, totalBytes: 100 }) as const;
  const state = applyAll(initialState(begin), [
    loading,
    { kind: 'events', at: begin, events: [progress('anna-id', 10), progress('ben-id', 20), progress('anna-id', 40)] },
  ]);
  t.match(state.instances[0]?.loading, { loadedBytes: 60, totalBytes: 200 });
  t.same([state.events, state.seenEvents], [[], 0]);
});

t.test('a conversation has one answer at a time', async (t) => {
  const ask = { kind: 'chat-asked', at: begin, text: 'one', modelName: 'm' } as const;
  let { chat } = applyAll(initialState(begin), [ask, { ...ask, text: 'two' }]);
  t.match(chat, {
    phase: 'waiting',
    messages: [
      { role: 'user', text: 'one' },
      { role: 'assistant', text: '' },
    ],
  });
  let state = applyAll(initialState(begin), [ask, { kind: 'chat-cleared', at: begin }]);
  t.equal(state.chat.messages.length, 2, 'an answer that comes has a place to go');
  state = applyAll(state, [
    { kind: 'chat-ended', at: begin, ended: 'failed', failure: { code: 'NODE_LOST', message: 'gone' } },
    { kind: 'chat-delta', at: begin, text: 'late', generatedTokens: 1 },
  ]);
  ({ chat } = state);
  t.match(chat.messages[1], { text: '', ended: 'failed', failure: { code: 'NODE_LOST' } });
  t.equal(chat.phase, 'idle');
  t.same(apply(state, { kind: 'chat-cleared', at: begin }).chat.messages, []);
});

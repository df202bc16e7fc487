/** The JSON twin: it keeps to its schema, and what the screens show is what it says. */
import { readFileSync } from 'node:fs';
import { formatBytes, formatMilliseconds, formatRate } from '@shoal/core';
import { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';
import { apply, applyAll } from '@shoal/tui/internal/state/apply.js';
import { initialState } from '@shoal/tui/internal/state/initial.js';
import type { DashboardState } from '@shoal/tui/internal/state/state.js';
import type { Update } from '@shoal/tui/internal/state/update.js';
import { chatView } from '@shoal/tui/internal/views/chat.js';
import { eventsView } from '@shoal/tui/internal/views/events.js';
import { modelsView } from '@shoal/tui/internal/views/models.js';
import { nodeView } from '@shoal/tui/internal/views/node.js';
import { planView } from '@shoal/tui/internal/views/plan.js';
import { requestsView } from '@shoal/tui/internal/views/requests.js';
import { topologyView } from '@shoal/tui/internal/views/topology.js';
import { type ScreenFigures, type ScreenName, screenLine, screenNames } from '@shoal/tui/internal/views/twin.js';
import { Ajv } from 'ajv';
import t, { type Test } from 'tap';
import { spoiled } from '../support/garbage.js';
import { textsOf } from '../support/render.js';
import { begin, everything } from '../support/sample.js';

process.env.TZ = 'UTC';

const schemaFile = new URL('../../../../tui/screens.schema.json', import.meta.url);
const validate = new Ajv({ allErrors: true }).compile(JSON.parse(readFileSync(schemaFile, 'utf8')));

/** As a program reads it. */
function printed<Name extends ScreenName>(state: DashboardState, screen: Name): ScreenFigures[Name] {
  const line = JSON.parse(JSON.stringify(screenLine(state, screen)));
  const text = validate(line) ? '' : JSON.stringify(validate.errors?.slice(0, 3));
  if (text !== '') throw new Error(`${screen} does not keep to its schema: ${text}`);
  return line.figures;
}

const full = applyAll(initialState(begin), everything);

t.test('every line keeps to the schema', async (t) => {
  for (const state of [initialState(begin), full]) {
    for (const screen of screenNames) t.doesNotThrow(() => printed(state, screen), screen);
  }
  const lost = { phase: 'lost', since: begin, attempt: 2, reason: 'the cable' } as const;
  const state = apply(full, { kind: 'connection', at: begin, connection: lost });
  for (const screen of screenNames) t.doesNotThrow(() => printed(state, screen), `${screen}, lost`);
});

t.test('and does so whatever nodes tell', async (t) => {
  for (let seed = 0; seed < 30; seed += 1) {
    const random = new SeededRandom(seed);
    const updates = everything.map(
      (update) => ({ ...(spoiled(update, random) as Update), kind: update.kind }) as Update,
    );
    const state = applyAll(initialState(begin), updates);
    for (const screen of screenNames) {
      try {
        printed(state, screen);
      } catch (thrown) {
        t.fail(`seed ${seed}: ${String(thrown)}`);
      }
    }
  }
});

t.test('the schema refuses what is not of it', async (t) => {
  const line = JSON.parse(JSON.stringify(screenLine(full, 'topology')));
  t.notOk(validate({ ...line, screen: 'requests' }));
  t.notOk(validate({ ...line, figures: { ...line.figures, surprise: 1 } }));
  t.notOk(validate({ ...line, at: 'now' }));
});

type Figure = { readonly value: number; readonly source: string } | { readonly unknown: string };

/** The texts that a figure may stand as; one that is not known is a dash, or its reason. */
function forms(figure: Figure): readonly string[] {
  if ('unknown' in figure) return ['–', `not known: ${figure.unknown}`];
  const { value } = figure;
  const digits = value === 0 ? '0' : Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3);
  const milliseconds = value > 0 && value < 1 ? `${(value * 1000).toPrecision(3)} µs` : formatMilliseconds(value);
  return [
    formatBytes(value),
    formatRate(value),
    milliseconds,
    `${digits} tok/s`,
    `${digits}×`,
    `${digits} W`,
    `${Math.round(value)} °C`,
    `${Math.round(value * 100)} %`,
    `${Math.round(value)}`,
    value === 0 ? '0 ms' : `${Math.round(value)} µs`,
  ];
}

/** Each of these figures stands somewhere on the screen. */
function shows(t: Test, view: unknown, figures: Readonly<Record<string, Figure>>): void {
  const texts = textsOf(view);
  for (const [name, figure] of Object.entries(figures)) {
    const wanted = forms(figure).flatMap((form) => [form, `~${form}`]);
    const isShown = texts.some((text) => wanted.some((form) => text === form || text.includes(form)));
    t.ok(isShown, `${name}: ${JSON.stringify(figure)}`);
  }
}

const context = { width: 'wide', now: begin + 1000 } as const;

t.test('topology', async (t) => {
  const { nodes, links, failedLinks, totals } = printed(full, 'topology');
  const view = topologyView(full, context);
  t.equal(failedLinks.length, 1);
  for (const { kind, reason } of failedLinks)
    for (const text of [kind, reason]) t.ok(textsOf(view.failedLinks).includes(text), text);
  t.same(
    view.vertices.map(({ id, label }) => [id, label]),
    nodes.map(({ nodeId, nodeName }) => [nodeId, nodeName]),
  );
  t.same(
    view.vertices.map(({ badges }) => badges.map(({ text, reason }) => ({ badge: text, reason }))),
    nodes.map(({ badges }) => badges),
  );
  for (const [index, node] of nodes.entries()) {
    shows(t, view.vertices[index]?.memory, { [node.nodeName]: node.memoryTotalBytes });
    const share = node.shares.reduce((sum, one) => sum + one.share, 0);
    t.equal(view.vertices[index]?.share.fraction, share);
  }
  t.equal(view.links.rows.length, links.length);
  for (const [index, { latencyMicroseconds, bandwidthBytesPerSecond }] of links.entries()) {
    shows(t, view.links.rows[index], { latencyMicroseconds, bandwidthBytesPerSecond });
  }
  shows(t, view.memory, { total: totals.memoryTotalBytes });
  t.match(view.summary[0]?.text, `${totals.nodesThere} nodes on ${totals.machines} machines`);
});

t.test('requests', async (t) => {
  const { instances, requests, totals } = printed(full, 'requests');
  const view = requestsView(full, context);
  t.same(
    view.requests.rows.map(({ id }) => id),
    requests.map(({ request }) => request),
  );
  for (const [index, one] of requests.entries()) {
    const { promptTokens, generatedTokens, queueMilliseconds, timeToFirstTokenMilliseconds, tokensPerSecond } = one;
    const row = view.requests.rows[index];
    shows(t, row, { promptTokens, generatedTokens, queueMilliseconds, timeToFirstTokenMilliseconds, tokensPerSecond });
    t.equal(row?.cells[0]?.text, one.phase);
    const selected = requestsView(full, { ...context, selected: one.request });
    for (const [place, { stage, member, nodeName, ...times }] of one.hops.entries()) {
      shows(t, selected.hops[place], times);
      t.equal(selected.hops[place]?.label, `${stage}.${member} ${nodeName}`);
    }
  }
  for (const [index, { hops, waitingRequests, residentSlots, tokensPerSecond }] of instances.entries()) {
    shows(t, view.instances[index], { waitingRequests, residentSlots, tokensPerSecond });
    for (const [place, { stage: _stage, member: _member, nodeName: _name, ...times }] of hops.entries()) {
      shows(t, view.instances[index]?.hops[place], times);
    }
  }
  const { running, queued, failed: _failed, ...means } = totals;
  t.same(
    view.summary.slice(0, 2).map(({ text }) => text),
    [String(running), String(queued)],
  );
  shows(t, view.summary, means);
});

t.test('node', async (t) => {
  const { nodes } = printed(full, 'node');
  for (const node of nodes) {
    const view = nodeView(full, { ...context, selected: node.nodeId });
    t.equal(view.title.text, node.nodeName);
    const { cores, memoryTotalBytes, conditions } = node;
    const { loadByOthers, temperatureCelsius } = conditions;
    shows(t, view, { cores, memoryTotalBytes, loadByOthers, temperatureCelsius });
    if (!('unknown' in conditions.powerWatts)) shows(t, view.series, { power: conditions.powerWatts });
    t.equal(view.devices.rows.length, node.devices.length);
    for (const [index, device] of node.devices.entries()) {
      const { memoryAvailableBytes, memoryTotalBytes: all, memoryBandwidthBytesPerSecond } = device;
      shows(t, view.devices.rows[index], { memoryAvailableBytes, all, memoryBandwidthBytesPerSecond });
    }
    t.equal(view.shares.rows.length, node.shares.length);
  }
});

t.test('chat', async (t) => {
  const { choices, answers, modelName } = printed(full, 'chat');
  const view = chatView(full, context);
  t.equal(view.title.text, modelName);
  t.same(
    view.models.rows.map(({ id }) => id),
    choices.map(({ instance }) => instance),
  );
  const shown = view.messages.filter(({ role }) => role === 'assistant');
  t.equal(shown.length, answers.length);
  for (const [index, { generatedTokens, timeToFirstTokenMilliseconds, tokensPerSecond }] of answers.entries()) {
    shows(t, shown[index]?.footer, { generatedTokens, timeToFirstTokenMilliseconds, tokensPerSecond });
  }
  t.notMatch(JSON.stringify(printed(full, 'chat')), /shoals|Fish/, 'what was said stays here');
});

t.test('models', async (t) => {
  const { models, freeBytes } = printed(full, 'models');
  const view = modelsView(full, context);
  shows(t, view.summary, { freeBytes });
  t.same(
    view.models.rows.map(({ id }) => id),
    models.map(({ name }) => name),
  );
  for (const [index, { weightBytes, fit, name }] of models.entries()) {
    shows(t, view.models.rows[index], { weightBytes });
    const selected = modelsView(full, { ...context, selected: name });
    t.ok(textsOf(selected.details).includes(fit.reason), fit.reason);
    for (const [place, { freeBytes: free }] of fit.nodes.entries()) shows(t, selected.fits.rows[place], { free });
  }
});

t.test('events', async (t) => {
  const { events, levels, seen } = printed(full, 'events');
  const view = eventsView(full, { ...context, showsDebug: true });
  t.same(view.events.rows.map(({ id }) => id).sort(), events.map(({ sequence }) => String(sequence)).sort());
  t.same(
    view.summary.slice(0, 3).map(({ text }) => text),
    [seen, levels.error, levels.warn].map(String),
  );
  const faults = eventsView(full, { ...context, faultsOnly: true });
  t.equal(faults.events.rows.length, levels.error + levels.warn);
  const followed = eventsView(full, { ...context, follows: true, selected: '1' });
  t.equal(followed.events.rows.at(-1)?.isSelected, true);
});

t.test('plan', async (t) => {
  const { plans } = printed(full, 'plan');
  for (const plan of plans) {
    const view = planView(full, { ...context, selected: plan.id });
    for (const [index, { predicted, measured, ratio }] of plan.comparison.entries()) {
      shows(t, view.comparison.rows[index], { predicted, measured, ratio });
    }
    const members = plan.stages.flatMap((stage) => stage.members);
    t.equal(view.stages.rows.length, members.length);
    for (const [index, one] of members.entries()) {
      const { needBytes, availableBytes, computeMilliseconds, wireMilliseconds, waitMilliseconds } = one;
      const row = view.stages.rows[index];
      shows(t, row, { needBytes, availableBytes, computeMilliseconds, wireMilliseconds, waitMilliseconds });
    }
    for (const { predictedMilliseconds } of plan.stages) shows(t, view.stages, { predictedMilliseconds });
    for (const { reason } of plan.leftOut) t.ok(textsOf(view.leftOut).includes(reason));
    for (const reason of plan.reasons) t.ok(view.why.some(({ text }) => text === reason));
    if (plan.refusal !== undefined) t.ok(textsOf(view.facts).includes(plan.refusal.message));
    t.equal(view.considered.rows.length, plan.considered.length);
  }
});

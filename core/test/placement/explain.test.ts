import { explainPlan, explainRefusal, type PlacementNode, type PlanShape, parsePlanShape, place } from '@shoal/core';
import t from 'tap';
import { device, gibibyte, llamaModel, mebibyte, node, requestFor, tiny } from './llama-model.js';

function explained(nodes: readonly PlacementNode[], shape?: PlanShape): readonly string[] {
  const options = { contextLength: 256, ...(shape === undefined ? {} : { shape }) };
  const result = place(requestFor(llamaModel(tiny, 'f32'), nodes, options));
  return ('plan' in result ? explainPlan(result.plan) : explainRefusal(result.refusal)).split('\n');
}

const cells = (line: string | undefined): string[] => (line ?? '').trim().split(/ {2,}/);

t.test('a plan is a table with reasons', async (t) => {
  const lines = explained([node('anna', device(gibibyte)), node('bert', device(3 * gibibyte))]);
  t.equal(lines[0], 'llama: 1 stage, 1 member, context 256 × 4, matrices as-stored, embeddings as-stored, state f16');
  t.same(cells(lines[2]), [
    'stage',
    'layers',
    'member',
    'node',
    'device',
    'share',
    'weights',
    'state and work',
    'role',
    'cuts',
  ]);
  t.match(cells(lines[3]), ['0', '0–6', '0', 'bert', 'cpu/cpu', '100 %', /MiB$/, /MiB$/, 'head, sampler', 'whole']);
  t.match(lines.join('\n'), /Why:\n- The whole model fits on cpu on bert \(3\.00 GiB available\)/);
  t.match(lines.join('\n'), /Left out:\n- cpu on anna: not needed/);
});

t.test('members of a stage show their cuts and roles', async (t) => {
  const nodes = ['a', 'b', 'c', 'd'].map((name) => node(name, device(gibibyte)));
  const rows = explained(nodes, parsePlanShape('tp=2,pp=2')).slice(3, 7);
  t.match(rows[0], /^0 {6}0–2 .* head +attention-heads 0–3, feed-forward 0–95, vocabulary 0–127$/);
  t.match(rows[1], /^0 {14}1 .* attention-heads 4–5, feed-forward 96–191, vocabulary 128–255$/);
  t.match(rows[2], /^1 {6}3–6 .* sampler +attention-heads/);
});

t.test('a refusal begins with its code', async (t) => {
  const lines = explained([node('anna', device(mebibyte))]);
  t.match(lines[0], /^PLAN_DOES_NOT_FIT: llama needs .* the devices have 1\.00 MiB in all: cpu on anna /);
  t.match(lines.join('\n'), /- cpu on anna \(1\.00 MiB available\), too small for a single layer/);
});

import { attach, type Plan, type PlanExplanation } from 'shoal';
import t from 'tap';
import { startLocalNodes } from './support/local.js';

const devicesOf = ({ outcome }: PlanExplanation): readonly string[] => {
  if (!('plan' in outcome)) return [outcome.refusal.code];
  return outcome.plan.stages.flatMap(({ members }) => members.map(({ nodeName }) => nodeName));
};

const leftOutOf = ({ outcome }: PlanExplanation): Plan['leftOut'] => ('plan' in outcome ? outcome.plan.leftOut : []);

t.test('a plan is explained for a cluster that is not', { timeout: 120_000 }, async (t) => {
  await using cluster = await startLocalNodes(2);
  const model = 'shoal-tiny-chat';
  const three = { plan: 'pp=3' } as const;
  t.same(devicesOf(await cluster.explain(model, three)), ['PLAN_SHAPE_IMPOSSIBLE'], 'two nodes make no three stages');

  const [first] = cluster.processes;
  const like = first?.name ?? '';
  const more = await cluster.explain(model, { ...three, added: [{ like, name: 'pretended' }] });
  t.ok(devicesOf(more).includes('pretended'), devicesOf(more).join(', '));
  t.equal(new Set(devicesOf(more)).size, 3);
  t.ok(more.numbers?.times, 'its times are predicted');

  const fewer = await cluster.explain(model, { without: [like] });
  t.notOk(devicesOf(fewer).includes(like), devicesOf(fewer).join(', '));
  t.match(
    leftOutOf(fewer).find(({ nodeName }) => nodeName === like),
    { reason: /taken to be gone/ },
  );
  t.same(await cluster.instances(), [], 'nothing is loaded by it');
  await t.rejects(cluster.explain(model, { without: ['nobody'] }), { code: 'ARGUMENT_INVALID', message: /nobody/ });
  await t.rejects(cluster.explain(model, { unloaded: '0123456789abcdef' }), { code: 'INSTANCE_NOT_FOUND' });
  const loaded = await cluster.load(model);
  t.match(await cluster.explain(model, { unloaded: loaded.instance }), { outcome: { plan: {} } });
  await loaded.unload();

  await using attached = await attach({ home: first?.home ?? '' });
  const seen = await attached.explain(model, { ...three, added: [{ like, name: 'pretended' }] });
  t.same([...devicesOf(seen)].sort(), [...devicesOf(more)].sort(), 'an attached program hears the same');
});

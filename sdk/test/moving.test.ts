import type { ClusterEvent, LoadedModel, LocalCluster } from 'shoal';
import t from 'tap';
import {
  answer,
  beginAnswer,
  canFindWorkers,
  endlessAnswer,
  endlessContext,
  longAnswer,
  processOf,
  question,
  startLocalNodes,
  workersOf,
} from './support/local.js';

async function withCluster(run: (cluster: LocalCluster, model: LoadedModel) => Promise<void>): Promise<void> {
  await using cluster = await startLocalNodes(3);
  await run(cluster, await cluster.load('shoal-tiny-chat', { plan: 'pp=2', ...endlessContext }));
}

t.test('an instance moves off a node while it answers', { skip: canFindWorkers }, (t) =>
  withCluster(async (cluster, model) => {
    const events: ClusterEvent[] = [];
    cluster.on('instance-moved', (event) => events.push(event));
    for (const stage of [0, 1]) {
      const leaving = processOf(cluster, await cluster.model(model.instance), stage);
      const finish = await beginAnswer(model);
      const moving = cluster.move(model, { without: [leaving.name], reason: 'its node is wanted' });
      const [moved, count] = await Promise.all([moving, finish()]);
      t.equal(count, longAnswer.maximumTokens, 'the answer that ran is whole');
      t.not(moved.instance, model.instance);
      t.notOk(moved.plan.stages.some(({ members }) => members.some(({ nodeId }) => nodeId === leaving.nodeId)));
      t.equal(moved.plan.stages.length, 2, 'as it was asked for at first');
      t.equal(moved.plan.contextLength, endlessContext.contextLength);
      t.same(workersOf(leaving), [], `nothing is left on ${leaving.name}`);
      t.equal((await model.chat(question).result).text, answer, 'the old name is understood');
      t.match((await model.statistics()).length, 2);
    }
    t.match(events, [{ instance: model.instance, reason: 'its node is wanted' }, { kind: 'instance-moved' }]);
    t.same(
      (await cluster.instances()).map(({ state, replaces }) => [state, replaces?.length]),
      [['ready', 2]],
      'one is loaded, that took the place of two',
    );
    await model.unload();
    t.same(await cluster.instances(), []);
    await t.rejects(model.chat(question).result, { code: 'INSTANCE_NOT_FOUND' });
  }),
);

t.test('where there is room for one only, requests wait for it', { skip: canFindWorkers }, (t) =>
  withCluster(async (cluster, model) => {
    const without = cluster.processes.slice(0, 2).map(({ name }) => name);
    await t.rejects(cluster.move(model, { without }), { code: 'PLAN_SHAPE_IMPOSSIBLE' });
    await t.rejects(cluster.move(model, { without: ['nobody'] }), { code: 'ARGUMENT_INVALID', message: /nobody/ });
    await t.rejects(cluster.move('0123456789abcdef'), { code: 'INSTANCE_NOT_FOUND' });

    const leaving = processOf(cluster, model, 0);
    const finish = await beginAnswer(model);
    const moving = cluster.move(model, { without: [leaving.nodeId], sequence: 'unload-first' });
    const answers = Array.from({ length: 8 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * 100));
      return (await model.chat(question).result).text;
    });
    t.same(new Set(await Promise.all(answers)), new Set([answer]), 'none of them is lost');
    t.equal(await finish(), longAnswer.maximumTokens);
    const moved = await moving;
    t.same(workersOf(leaving), []);

    const finishLate = await beginAnswer(model, endlessAnswer);
    const ended = t.rejects(finishLate(), { code: 'INSTANCE_NOT_FOUND', message: /unloaded while the request ran/ });
    const { name } = processOf(cluster, moved, 1);
    await cluster.move(model, { without: [name], sequence: 'unload-first', drainDeadlineMilliseconds: 0 });
    await ended;
    t.equal((await model.chat(question).result).text, answer, 'requests that outlast the drain end, later ones do not');
  }),
);

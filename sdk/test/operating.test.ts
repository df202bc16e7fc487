import { setTimeout as sleep } from 'node:timers/promises';
import { attach, type LoadedModel, type LocalCluster, type LocalNode } from 'shoal';
import t from 'tap';
import {
  answer,
  beginAnswer,
  canFindWorkers,
  longAnswer,
  processOf,
  question,
  startLocalNodes,
  workersOf,
} from './support/local.js';

const deadlineMilliseconds = 60_000;

async function until(isTrue: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const end = performance.now() + deadlineMilliseconds;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(50);
  }
}

const nodesOfModel = ({ plan }: LoadedModel) =>
  plan.stages.flatMap(({ members }) => members.map(({ nodeId }) => nodeId));

const isRunning = ({ processId }: LocalNode) => {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
};

async function withCluster(run: (cluster: LocalCluster) => Promise<void>): Promise<void> {
  await using cluster = await startLocalNodes(3);
  await run(cluster);
}

t.test('a node is cordoned, drained, paused, renamed, and leaves, from wherever', { skip: canFindWorkers }, (t) =>
  withCluster(async (cluster) => {
    const [first, second, third] = cluster.processes as [LocalNode, LocalNode, LocalNode];
    await using attached = await attach({ home: first.home });
    await until(async () => (await cluster.state()).nodes.length === 4, 'everybody has heard of everybody');
    await until(async () => (await attached.state()).nodes.length === 4, 'everybody has heard of everybody');

    // Cordoned by another node's program: what is planned anywhere leaves it out, and says why.
    await attached.cordon(third.name, { reason: 'a new fan' });
    const { text, outcome } = await cluster.explain('shoal-tiny-chat', { plan: 'pp=2' });
    t.match(text, /a new fan/);
    t.match(outcome, { plan: { leftOut: [{ nodeName: third.name, reason: /cordoned: a new fan/ }] } });
    t.match((await cluster.nodes()).find(({ nodeId }) => nodeId === third.nodeId) ?? {}, { cordoned: 'a new fan' });
    const model = await cluster.load('shoal-tiny-chat', { plan: 'pp=2', contextLength: 1024 });
    t.notOk(nodesOfModel(model).includes(third.nodeId));

    // Two are needed, and the third takes nothing: drained nodes cannot get rid of what they have, and say so.
    await t.rejects(cluster.drain(second.name), {
      code: 'NODE_NOT_DRAINED',
      message: new RegExp(
        `node ${second.name} still has a part in 1 instances: shoal-tiny-chat \\(${model.instance}\\)`,
      ),
    });
    t.equal((await model.chat(question).result).text, answer, 'it serves all the same');
    t.match((await attached.state()).instances, [{ instance: model.instance, stuck: /./ }]);
    await cluster.uncordon(second.name);
    await cluster.uncordon(third.name);

    // Paused: no new requests, while running ones go on.
    await cluster.load('shoal-tiny-chat', { plan: 'pp=1', contextLength: 256 }).then((small) => small.unload());
    const finish = await beginAnswer(model);
    await attached.pause(model.instance, { reason: 'a game' });
    await t.rejects(model.chat(question).result, { code: 'INSTANCE_PAUSED', message: /a game/ });
    t.equal(await finish(), longAnswer.maximumTokens);

    // Another instance of the model takes what comes to the one that is paused.
    const other = await cluster.load('shoal-tiny-chat', { plan: 'pp=1', contextLength: 1024 });
    t.equal((await model.chat(question).result).text, answer);
    t.ok((await other.statistics())[0]?.statistics.steps, 'the other one answered');
    await other.unload();
    await t.rejects(model.chat(question).result, { code: 'INSTANCE_PAUSED', message: /a game.*no other instance/ });
    await attached.resume(model.instance);
    t.equal((await model.chat(question).result).text, answer);
    const member = processOf(cluster, model, 1);
    await cluster.pause(member.name);
    await until(
      () =>
        model.chat(question).result.then(
          () => false,
          ({ code }: { code: string }) => code === 'INSTANCE_PAUSED',
        ),
      'its head has heard that a member is paused',
    );
    await cluster.resume(member.nodeId);
    await until(
      () =>
        model.chat(question).result.then(
          () => true,
          () => false,
        ),
      'it serves again',
    );

    // Drained while it answers: the answer is whole, then the node is idle.
    const drained = processOf(cluster, model, 0);
    const finishDrained = await beginAnswer(model);
    const [, count] = await Promise.all([attached.drain(drained.name, { reason: 'holidays' }), finishDrained()]);
    t.equal(count, longAnswer.maximumTokens);
    t.same(workersOf(drained), [], 'nothing is left there');
    t.equal((await model.chat(question).result).text, answer, 'the old name is understood');
    t.match((await cluster.nodes()).find(({ nodeId }) => nodeId === drained.nodeId) ?? {}, {
      cordoned: 'holidays',
      draining: { remainingInstances: 0 },
    });

    // Another name, for everybody.
    await attached.rename(drained.name, 'den');
    await until(
      async () =>
        (await cluster.nodes()).some(({ nodeName, nodeId }) => nodeName === 'den' && nodeId === drained.nodeId),
      'others have heard its name',
    );
    await t.rejects(cluster.cordon('nobody'), { code: 'NODE_NOT_FOUND', message: /den/ });
    await t.rejects(cluster.pause('0123456789abcdef'), { code: 'INSTANCE_NOT_FOUND' });

    // It leaves, and its process ends.
    await cluster.uncordon('den');
    if (drained.nodeId !== first.nodeId) await attached.leave('den');
    else await cluster.leave('den');
    await until(() => !isRunning(drained), 'its process has ended');
    await until(
      async () => !(await cluster.state()).nodes.some(({ nodeId }) => nodeId === drained.nodeId),
      'others have heard that it left',
    );
    t.equal((await model.chat(question).result).text, answer, 'nobody missed it');
  }),
);

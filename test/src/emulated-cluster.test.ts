// Clusters over a network that is slow, lossy and breaks: the same tokens, coded errors, and life after healing.
import type { Cluster, ShoalError } from 'shoal';
import t from 'tap';
import { EmulatedCluster } from './support/emulated-cluster.js';
import { emulatedNetworkProblem } from './support/emulated-network.js';

const question = [{ role: 'user', content: 'What is 12 plus 30?' }] as const;
const answer = '12 + 30 = 42.';

const reason = emulatedNetworkProblem();
const skip = reason ?? false;

/** Loads with a plan, asks, and unloads. */
async function ask(cluster: Cluster, plan?: string): Promise<string> {
  await using model = await cluster.load('shoal-tiny-chat', plan === undefined ? {} : { plan });
  return (await model.chat(question).result).text;
}

t.test('a cluster over 20 ms and 2 % loss forms by itself and answers the same', { skip }, async (t) => {
  const links = { delay: { microseconds: 20_000 }, loss: { model: 'random', probability: 0.02 } } as const;
  await using hosts = await EmulatedCluster.start({ hosts: 3, seed: 11, links });
  const wanted = hosts.nodes.map((_node, index) => hosts.everybodySeenBy(index));
  t.same(await hosts.meet(), wanted, 'everybody sees everybody');
  await using cluster = await hosts.attach(0);
  for (const plan of ['pp=3', 'tp=2']) t.equal(await ask(cluster, plan), answer, plan);

  await t.test('bursts of loss, jitter, second copies and overtaking do no harm', async (t) => {
    await hosts.network.rule('*', '*', {
      delay: { microseconds: 1000, jitter: { distribution: 'pareto', microseconds: 1000 }, overtakes: true },
      loss: { model: 'bursts', begins: 0.005, ends: 0.5 },
      duplicate: { probability: 0.1 },
      reorder: { probability: 0.1, microseconds: 2000 },
      corrupt: { probability: 0.01 },
    });
    t.equal(await ask(cluster, 'pp=3'), answer);
    t.same(await hosts.meet(), wanted, 'nobody was taken for lost for good');
  });
});

t.test('two stages over 100 Mbit/s, which breaks and heals', { skip }, async (t) => {
  const links = { delay: { microseconds: 500 }, bandwidth: { bitsPerSecond: 100e6 } };
  await using hosts = await EmulatedCluster.start({ hosts: 2, seed: 12, links });
  const wanted = hosts.nodes.map((_node, index) => hosts.everybodySeenBy(index));
  const [one, other] = hosts.network.hosts.map(({ name }) => name) as [string, string];
  t.same(await hosts.meet(), wanted);
  await using cluster = await hosts.attach(0);
  t.equal(await ask(cluster, 'pp=2'), answer);

  const breaks: Record<string, () => Promise<void>> = {
    'a partition': () => hosts.network.partition([one], [other]),
    'a way there that is cut': () => hosts.network.cut(one, other),
    'a way back that is cut': () => hosts.network.cut(other, one),
  };
  for (const [name, breakIt] of Object.entries(breaks)) {
    await t.test(`${name} ends the request with a code, and heals`, async (t) => {
      // Requests follow one another, so that it breaks while tokens travel: one answer is too short to be sure.
      const model = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
      const started = performance.now();
      const broken = new Promise((resolve) => setTimeout(resolve, 200)).then(breakIt);
      let failure: ShoalError | undefined;
      while (failure === undefined && performance.now() - started < 60_000) {
        const generation = model.chat(question, { maximumTokens: 400, ignoreEndOfText: true });
        await generation.result.catch((error: ShoalError) => {
          failure = error;
        });
      }
      await broken;
      t.comment(
        `ended ${Math.round(performance.now() - started - 200)} ms after: ${failure?.code} ${failure?.message}`,
      );
      t.match(failure?.code, /^(TRANSPORT|NODE|INSTANCE|ENGINE)_/);
      t.match(failure?.message, new RegExp(other), 'it names the other node');
      t.equal(await ask(cluster), answer, 'what is left serves');
      await hosts.network.heal();
      t.same(await hosts.meet(), wanted, 'they meet again');
      t.equal(await ask(cluster, 'pp=2'), answer, 'and work together');
    });
  }
});

import { cpSync, readdirSync, statSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { createCluster } from 'shoal';
import t from 'tap';
import { answer, canFindWorkers, longAnswer, question, startLocalNodes, workersOf } from './support/local.js';

/** A copy of a small checkpoint that a test may break. */
function copyModel(folder: string): { readonly directory: string; readonly weights: string } {
  const source = new URL('../../../models/shoal-tiny-chat', import.meta.url);
  const directory = join(folder, 'model');
  cpSync(source, directory, { recursive: true });
  const name = readdirSync(directory).find((one) => one.endsWith('.safetensors'));
  if (!name) throw new Error('the model has no weights');
  return { directory, weights: join(directory, name) };
}

t.test(
  'a worker that dies of weights that were cut short ends its requests with the name of the file',
  {
    skip: canFindWorkers,
  },
  async (t) => {
    const { directory, weights } = copyModel(t.testdir({}));
    await using cluster = await startLocalNodes(1);
    const [node] = cluster.processes;
    if (!node) return;
    const model = await cluster.load(directory);
    let count = 0;
    const interrupted = (async () => {
      for await (const _part of model.chat(question, longAnswer)) {
        count += 1;
        if (count !== 4) continue;
        truncateSync(weights, 0);
        // Sent by the system to whoever touches a page that is no more. Which pages are touched again depends on the
        // backend, so that the test sends it.
        for (const worker of workersOf(node)) process.kill(worker, 'SIGBUS');
      }
    })();
    await t.rejects(interrupted, { code: 'MODEL_CHECKPOINT_INVALID', message: new RegExp(`${weights} changed while`) });
    // The node lives, and says what is wrong with the file from now on.
    await t.rejects(cluster.load(directory), { code: 'MODEL_CHECKPOINT_INVALID', message: /safetensors/ });
    const intact = await cluster.load('shoal-tiny-chat');
    t.equal((await intact.chat(question).result).text, answer);
  },
);

t.test('weights that change while they are loaded fail the load by their name', async (t) => {
  const { directory, weights } = copyModel(t.testdir({}));
  await using cluster = await createCluster({ home: join(t.testdirName, 'home') });
  // Touched over and over: one of the times falls between the beginning and the end of the load.
  const { atime } = statSync(weights);
  let seconds = 1;
  const touch = setInterval(() => {
    seconds += 1;
    utimesSync(weights, atime, new Date(Date.now() - 1000 * seconds));
  }, 5);
  try {
    await t.rejects(cluster.load(directory), { code: 'MODEL_CHECKPOINT_INVALID', message: /changed while/ });
  } finally {
    clearInterval(touch);
  }
});

import { spawnSync } from 'node:child_process';
import t from 'tap';

/** What keeps the process alive after its cluster was closed, in a process of its own. */
const script = `
  import { createCluster } from 'shoal';
  const cluster = await createCluster({ home: process.argv[1] });
  const model = await cluster.load('shoal-tiny-chat');
  const { text } = await model.generate('What is 12 plus 30?', { maximumTokens: 2 }).result;
  await cluster.close();
  // Handles that were closed are gone after a turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  console.log(JSON.stringify(process.getActiveResourcesInfo()));`;

t.test('nothing keeps a process whose cluster is closed', async (t) => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script, t.testdir({})],
    { encoding: 'utf8', timeout: 120_000 },
  );
  t.equal(stderr, '');
  t.equal(status, 0);
  const resources: string[] = JSON.parse(stdout);
  // The pipe that this is written to.
  t.same(
    resources.filter((resource) => !/^(PipeWrap|TTYWrap|FSReqCallback)$/.test(resource)),
    [],
  );
});

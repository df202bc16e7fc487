import { spawnSync } from 'node:child_process';
import t from 'tap';

/** What keeps the process alive after its cluster was closed, in a process of its own. */
const script = `
  import { createCluster } from 'shoal';
  const cluster = await createCluster({ home: process.argv[1] });
  const model = await cluster.load('shoal-tiny-chat');
  const { text } = await model.generate('What is 12 plus 30?', { maximumTokens: 2 }).result;
  await cluster.close();
  // A closed handle is gone after a turn of the event loop, and libp2p's queues end with timers of a millisecond. What is there after a second would keep it.
  const keepers = () => process.getActiveResourcesInfo().filter((name) => !['PipeWrap', 'TTYWrap', 'FSReqCallback'].includes(name));
  for (let turn = 0; turn < 50 && keepers().length > 0; turn += 1) {
    // The wait is over before the next look.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(JSON.stringify(keepers()));`;

t.test('nothing keeps a process whose cluster is closed', async (t) => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script, t.testdir({})],
    { encoding: 'utf8', timeout: 120_000 },
  );
  t.equal(stderr, '');
  t.equal(status, 0);
  t.same(JSON.parse(stdout), []);
});

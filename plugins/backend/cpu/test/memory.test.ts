import { readSystemMemory } from '@shoal/backend-cpu';
import t from 'tap';

const gibibyte = 1024 ** 3;
const meminfo = `MemTotal:       16777216 kB\nMemFree:         1048576 kB\nMemAvailable:    8388608 kB\n`;

t.test('limits of control groups bound what the machine has', async (t) => {
  const cases = [
    { name: 'no control groups', files: {}, total: 16, available: 8 },
    {
      name: 'a group without a limit',
      files: { group: '0::/user.slice\n', 'user.slice': { max: 'max', current: `${2 * gibibyte}` } },
      total: 16,
      available: 8,
    },
    {
      name: 'a group with a limit',
      files: { group: '0::/a\n', a: { max: `${4 * gibibyte}`, current: `${3 * gibibyte}` } },
      total: 4,
      available: 1,
    },
    {
      name: 'pages of files can be given up',
      files: {
        group: '0::/a\n',
        a: { max: `${4 * gibibyte}`, current: `${3 * gibibyte}`, stat: `anon 5\ninactive_file ${gibibyte}\n` },
      },
      total: 4,
      available: 2,
    },
    {
      name: 'the limit of a group around it',
      files: {
        group: '0::/a/b\n',
        a: { max: `${2 * gibibyte}`, current: `${gibibyte}`, b: { max: 'max', current: '0' } },
      },
      total: 2,
      available: 1,
    },
    {
      name: 'more used than allowed',
      files: { group: '0::/a\n', a: { max: `${gibibyte}`, current: `${2 * gibibyte}` } },
      total: 1,
      available: 0,
    },
  ];
  for (const { name, files, total, available } of cases) {
    const { group, ...folders } = files as { group?: string };
    const root = t.testdir({
      proc: { meminfo, ...(group === undefined ? {} : { self: { cgroup: group } }) },
      sys: { fs: { cgroup: groupFolders(folders) } },
    });
    const memory = await readSystemMemory({ root });
    t.same(memory.total, { value: total * gibibyte, source: 'operating-system' }, `${name}: total`);
    t.same(memory.available, { value: available * gibibyte, source: 'operating-system' }, `${name}: available`);
  }
});

type Folder = { readonly [name: string]: string | Folder };

function groupFolders(folders: Folder): Folder {
  return Object.fromEntries(
    Object.entries(folders).map(([name, content]) =>
      typeof content === 'string' ? [`memory.${name}`, content] : [name, groupFolders(content)],
    ),
  );
}

t.test('this machine has memory', async (t) => {
  const { total, available } = await readSystemMemory();
  if (!('value' in total) || !('value' in available)) throw new Error('unknown');
  t.ok(total.value >= available.value && available.value > 0, `${available.value} of ${total.value}`);
});

import { readMachineFacts, readMachineMemory, systemSource } from '@shoal/core';
import t from 'tap';

const gibibyte = 1024 ** 3;
const meminfo = 'MemTotal:       16777216 kB\nMemFree:         1048576 kB\nMemAvailable:    8388608 kB\n';
const none = '9223372036854771712';
const mount1 = '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n';

type Folder = { readonly [name: string]: string | Folder };

const memory = (value: number) => ({ value: value * gibibyte, source: 'operating-system' });

t.test('limits bound what the machine has', async (t) => {
  const cases: readonly {
    readonly name: string;
    readonly self?: Folder;
    readonly groups?: Folder;
    readonly total: number;
    readonly available: number;
    readonly limits?: readonly RegExp[];
  }[] = [
    { name: 'no control groups', total: 16, available: 8 },
    {
      name: 'a group without a limit',
      self: { cgroup: '0::/user.slice\n' },
      groups: { 'user.slice': { 'memory.max': 'max', 'memory.current': `${2 * gibibyte}` } },
      total: 16,
      available: 8,
    },
    {
      name: 'a group with a limit',
      self: { cgroup: '0::/a\n' },
      groups: { a: { 'memory.max': `${4 * gibibyte}`, 'memory.current': `${3 * gibibyte}` } },
      total: 4,
      available: 1,
      limits: [/^control group \/a$/],
    },
    {
      name: 'pages of files can be given up',
      self: { cgroup: '0::/a\n' },
      groups: {
        a: {
          'memory.max': `${4 * gibibyte}`,
          'memory.current': `${3 * gibibyte}`,
          'memory.stat': `anon 5\ninactive_file ${gibibyte}\n`,
        },
      },
      total: 4,
      available: 2,
    },
    {
      name: 'the limit of a group around it',
      self: { cgroup: '0::/a/b\n' },
      groups: {
        a: {
          'memory.max': `${2 * gibibyte}`,
          'memory.current': `${gibibyte}`,
          b: { 'memory.max': 'max', 'memory.current': '0' },
        },
      },
      total: 2,
      available: 1,
    },
    {
      name: 'a group that is slowed down above a bound',
      self: { cgroup: '0::/a\n' },
      groups: {
        a: {
          'memory.max': `${8 * gibibyte}`,
          'memory.high': `${3 * gibibyte}`,
          'memory.current': `${gibibyte}`,
        },
      },
      total: 3,
      available: 2,
    },
    {
      name: 'more used than allowed',
      self: { cgroup: '0::/a\n' },
      groups: { a: { 'memory.max': `${gibibyte}`, 'memory.current': `${2 * gibibyte}` } },
      total: 1,
      available: 0,
    },
    {
      name: 'a limit above the memory of the machine',
      self: { cgroup: '0::/a\n' },
      groups: { a: { 'memory.max': `${64 * gibibyte}`, 'memory.current': `${gibibyte}` } },
      total: 16,
      available: 8,
    },
    {
      name: 'version 1, a limit of a group around it',
      self: { cgroup: '9:name=systemd:/x\n4:cpu,memory:/a/b\n0::/x\n', mountinfo: mount1 },
      groups: {
        memory: {
          'memory.limit_in_bytes': none,
          'memory.usage_in_bytes': `${9 * gibibyte}`,
          a: {
            'memory.limit_in_bytes': `${4 * gibibyte}`,
            'memory.usage_in_bytes': `${2 * gibibyte}`,
            'memory.stat': `inactive_file 7\ntotal_inactive_file ${gibibyte}\n`,
            b: { 'memory.limit_in_bytes': none, 'memory.usage_in_bytes': `${gibibyte}` },
          },
        },
      },
      total: 4,
      available: 3,
      limits: [/^control group \/a$/],
    },
    {
      name: 'version 1 in a container: the mount shows its own group at the top',
      self: {
        cgroup: '4:memory:/docker/3f\n',
        mountinfo: '35 31 0:32 /docker/3f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n',
      },
      groups: { memory: { 'memory.limit_in_bytes': `${gibibyte}`, 'memory.usage_in_bytes': `${gibibyte / 2}` } },
      total: 1,
      available: 0.5,
      limits: [/^control group \/docker\/3f$/],
    },
    {
      name: 'version 1 in a container whose group lies outside of the mount',
      self: {
        cgroup: '4:memory:/../..\n',
        mountinfo: '35 31 0:32 /docker/3f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n',
      },
      groups: { memory: { 'memory.limit_in_bytes': `${gibibyte}`, 'memory.usage_in_bytes': '0' } },
      total: 1,
      available: 1,
    },
    {
      name: 'version 2 beside version 1, which has no memory controller',
      self: {
        cgroup: '9:name=systemd:/x\n0::/a\n',
        mountinfo: '41 31 0:38 / /sys/fs/cgroup/unified\\040two rw - cgroup2 cgroup2 rw\n',
      },
      groups: { 'unified two': { a: { 'memory.max': `${2 * gibibyte}`, 'memory.current': '0' } } },
      total: 2,
      available: 2,
    },
    {
      name: 'a limit of the address space, of which this process uses some',
      self: {
        limits: `Max address space         ${6 * gibibyte}           unlimited            bytes     \nMax data size             unlimited            unlimited            bytes     \n`,
        status: `VmSize:\t ${2 * 1024 * 1024} kB\nVmData:\t 1 kB\n`,
      },
      total: 6,
      available: 4,
      limits: [/address space/],
    },
    {
      name: 'two limits, the tightest first',
      self: {
        cgroup: '0::/a\n',
        limits: `Max address space         unlimited            unlimited            bytes     \nMax data size             ${4 * gibibyte}           unlimited            bytes     \n`,
        status: 'VmSize:\t 1 kB\nVmData:\t 1048576 kB\n',
      },
      groups: { a: { 'memory.max': `${8 * gibibyte}`, 'memory.current': `${7 * gibibyte}` } },
      total: 4,
      available: 1,
      limits: [/control group/, /data size/],
    },
  ];
  for (const { name, self = {}, groups = {}, total, available, limits } of cases) {
    const root = t.testdir({
      proc: { meminfo, self: self as Record<string, string> },
      sys: { fs: { cgroup: groups as Record<string, string> } },
    });
    const found = await readMachineMemory(systemSource({ root }));
    t.same(found.totalBytes, memory(16), `${name}: of the machine`);
    t.same(found.freeBytes, memory(8), `${name}: free on the machine`);
    t.same(found.processTotalBytes, memory(total), `${name}: total`);
    t.same(found.processAvailableBytes, memory(available), `${name}: available`);
    if (limits !== undefined)
      t.match(
        found.limits.map((limit) => limit.name),
        limits,
        `${name}: limits`,
      );
  }
});

t.test('what cannot be read is unknown with a reason', async (t) => {
  const { memory, processor } = await readMachineFacts(systemSource({ root: t.testdir({}) }));
  for (const value of [memory.totalBytes, memory.freeBytes, memory.processTotalBytes, memory.processAvailableBytes]) {
    t.match(value, { unknown: /meminfo/ });
  }
  for (const value of Object.values(processor)) t.match(value, { unknown: /./ });
});

t.test('a reader that hangs or throws gives a reason', async (t) => {
  const broken = {
    ...systemSource({ root: t.testdir({}) }),
    text: () => Promise.reject(new Error('bad sensor')),
  };
  t.match(await readMachineMemory(broken), { totalBytes: { unknown: /bad sensor/ } });
});

t.test('this machine has memory and cores', async (t) => {
  const { memory, processor } = await readMachineFacts();
  if ('unknown' in memory.processTotalBytes || 'unknown' in memory.processAvailableBytes) throw new Error('unknown');
  t.ok(memory.processTotalBytes.value >= memory.processAvailableBytes.value);
  t.ok(memory.processAvailableBytes.value > 0);
  t.match(processor.usableCores, { value: Number });
});

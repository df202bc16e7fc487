import { readProcessorFacts, systemSource } from '@shoal/core';
import t from 'tap';

const processors = (count: number) =>
  Array.from(
    { length: count },
    (_, index) => `processor\t: ${index}\nmodel name\t: AMD EPYC 9B14\nflags\t\t: fpu avx2 avx512f\n\n`,
  ).join('');
const mountinfo =
  '32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';

t.test('cores that may be used follow affinity and quotas', async (t) => {
  const cases = [
    { name: 'all', status: 'Cpus_allowed_list:\t0-7\n', usable: 8 },
    { name: 'bound to some', status: 'Cpus_allowed_list:\t0-2,5\n', usable: 4, limit: /bound to/ },
    {
      name: 'a quota, version 2',
      status: 'Cpus_allowed_list:\t0-7\n',
      cgroup: '0::/a\n',
      groups: { a: { 'cpu.max': '250000 100000\n' } },
      usable: 2,
      limit: /quota of 2.5 cores of control group \/a/,
    },
    {
      name: 'a quota of a group around it',
      status: 'Cpus_allowed_list:\t0-7\n',
      cgroup: '0::/a/b\n',
      groups: { a: { 'cpu.max': '300000 100000\n', b: { 'cpu.max': 'max 100000\n' } } },
      usable: 3,
    },
    {
      name: 'less than a core',
      status: 'Cpus_allowed_list:\t0-7\n',
      cgroup: '0::/a\n',
      groups: { a: { 'cpu.max': '50000 100000\n' } },
      usable: 1,
    },
    {
      name: 'a quota, version 1',
      status: 'Cpus_allowed_list:\t0-7\n',
      cgroup: '3:cpu,cpuacct:/a\n0::/\n',
      groups: { cpu: { a: { 'cpu.cfs_quota_us': '600000\n', 'cpu.cfs_period_us': '100000\n' } } },
      usable: 6,
    },
    {
      name: 'no quota, version 1',
      status: 'Cpus_allowed_list:\t0-7\n',
      cgroup: '3:cpu,cpuacct:/a\n',
      groups: { cpu: { a: { 'cpu.cfs_quota_us': '-1\n', 'cpu.cfs_period_us': '100000\n' } } },
      usable: 8,
    },
  ];
  for (const { name, status, cgroup, groups, usable, limit } of cases) {
    const root = t.testdir({
      proc: { cpuinfo: processors(8), self: { status, mountinfo, ...(cgroup === undefined ? {} : { cgroup }) } },
      sys: { fs: { cgroup: groups ?? {} } },
    } as Parameters<typeof t.testdir>[0]);
    const found = await readProcessorFacts(systemSource({ root }));
    t.match(found.logicalCores, { value: 8 }, name);
    t.match(found.usableCores, { value: usable }, name);
    if (limit === undefined) continue;
    t.match(found.usableCoresLimit, limit, name);
  }
});

t.test('name, instruction sets, caches and cores of Linux', async (t) => {
  const cpu = (core: string) => ({ topology: { core_id: core, physical_package_id: '0' } });
  const root = t.testdir({
    proc: { cpuinfo: processors(4), self: { status: 'Cpus_allowed_list:\t0-3\n' } },
    sys: {
      devices: {
        system: {
          cpu: {
            cpu0: {
              ...cpu('0'),
              cache: { index0: { size: '32K\n' }, index2: { size: '1024K\n' }, index3: { size: '32M\n' } },
            },
            cpu1: cpu('0'),
            cpu2: cpu('1'),
            cpu3: cpu('1'),
            cpufreq: {},
          },
        },
      },
    },
  });
  t.match(await readProcessorFacts(systemSource({ root })), {
    name: { value: 'AMD EPYC 9B14' },
    logicalCores: { value: 4 },
    physicalCores: { value: 2 },
    usableCores: { value: 4 },
    instructionSets: { value: ['fpu', 'avx2', 'avx512f'] },
    lastLevelCacheBytes: { value: 32 * 1024 ** 2 },
  });
});

t.test('an Arm board', async (t) => {
  const cpuinfo = 'processor\t: 0\nFeatures\t: fp asimd crc32\nHardware\t: BCM2711\n';
  const root = t.testdir({ proc: { cpuinfo, self: { status: 'Cpus_allowed_list:\t0\n' } } });
  t.match(await readProcessorFacts(systemSource({ root })), {
    name: { value: 'BCM2711' },
    instructionSets: { value: ['fp', 'asimd', 'crc32'] },
    lastLevelCacheBytes: { unknown: /caches/ },
  });
});

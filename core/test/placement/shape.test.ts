import { formatBytes, formatPlanShape, parsePlanShape } from '@shoal/core';
import t from 'tap';

t.test('shapes are read and written', async (t) => {
  const cases = [
    ['pp=2', 2, 1, 'pp=2'],
    ['tp=3', 1, 3, 'tp=3,pp=1'],
    ['tp=2,pp=2', 2, 2, 'tp=2,pp=2'],
    ['pp=4, tp=2', 4, 2, 'tp=2,pp=4'],
  ] as const;
  for (const [text, pipelineStages, tensorMembers, formatted] of cases) {
    const shape = parsePlanShape(text);
    t.same(shape, { pipelineStages, tensorMembers }, text);
    t.equal(formatPlanShape(shape), formatted);
    t.same(parsePlanShape(formatted), shape);
  }
});

t.test('other texts are refused with the reason', async (t) => {
  const cases = [
    ['', /"" is not of the form/],
    ['dp=2', /"dp=2" is not of the form pp=N or tp=N/],
    ['pp=0', /pp must be between 1 and 1024/],
    ['pp=2,pp=3', /pp is given twice/],
    ['tp=99999', /tp must be between/],
    ['pp=-1', /not of the form/],
    ['pp=2,', /"" is not of the form/],
  ] as const;
  for (const [text, message] of cases) {
    t.throws(() => parsePlanShape(text), { code: 'ARGUMENT_INVALID', message }, JSON.stringify(text));
  }
});

t.test('bytes are written with three digits', async (t) => {
  t.equal(formatBytes(0), '0 B');
  t.equal(formatBytes(1536), '1.50 KiB');
  t.equal(formatBytes(15.25 * 1024 ** 3), '15.3 GiB');
  t.equal(formatBytes(200 * 1024 ** 2), '200 MiB');
});

/** What every backend keeps, whatever it runs on. */
import assert from 'node:assert/strict';
import { missingOperations } from '../program/decompose.js';
import { operationFields } from '../program/operation-fields.js';
import type { Backend, BackendWorker, ScriptDevice } from '../spec/backend.js';
import type { Operation, OperationName } from '../spec/operations.js';
import { assertClose } from './assertions.js';
import { measuringConformance } from './backend-measuring.js';
import { operationExamples } from './backend-operations.js';
import { programCases } from './backend-programs.js';
import { stepCases } from './backend-steps.js';
import type { ConformanceCase } from './case.js';
import { memberProgram, ScriptRunner } from './script-runner.js';

/** Primitives of the macros that the cases of steps use. */
const decompositions: Readonly<Partial<Record<OperationName, readonly Operation['op'][]>>> = {
  attention: ['append-state', 'visible-dots', 'visible-softmax', 'visible-sum'],
  'causal-convolution': ['recent-rows', 'multiply-vector', 'sum-groups', 'add-vector'],
};

export interface BackendUnderTest {
  readonly host: Backend;
  readonly worker: BackendWorker;
}

/**
 * The suite of a backend. What it computes is checked on script devices, which tests can call; a native device's table
 * is called by the engine's tests.
 */
export function backendConformance({ host, worker }: BackendUnderTest): ConformanceCase[] {
  const operations = new Set<OperationName>(host.capabilities.operations);
  const openScript = async (): Promise<ScriptDevice> => {
    const [device] = (await host.probe()).filter(({ available }) => available);
    assert.ok(device, 'no device is available');
    const opened = await worker.open(device.id, {});
    assert.equal(opened.kind, 'script');
    return opened as ScriptDevice;
  };

  const hostCases: ConformanceCase[] = [
    {
      name: 'probing gives devices with distinct ids, or reasons',
      run: async () => {
        const devices = await host.probe();
        assert.equal(new Set(devices.map(({ id }) => id)).size, devices.length, 'two devices have one id');
        for (const device of devices) {
          if (device.available) assert.ok(device.name.length > 0, `${device.id} has no name`);
          else assert.ok(device.reason.length > 0, `${device.id} is absent without a reason`);
        }
      },
    },
    {
      name: 'capabilities are words of the program language',
      run: async () => {
        assert.ok(operations.size > 0, 'no operation');
        for (const name of operations) assert.ok(Object.hasOwn(operationFields, name), `'${name}' is no operation`);
        assert.ok(host.capabilities.storageTypes.length > 0, 'no storage type');
        for (const tile of Object.values(host.capabilities.rowTile)) assert.ok(Number.isInteger(tile) && tile > 0);
      },
    },
    {
      name: 'a device that is not there is refused',
      run: async () => {
        await assert.rejects(worker.open('no-such-device', {}), { code: 'BACKEND_DEVICE_UNAVAILABLE' });
      },
    },
  ];
  const examples = operationExamples
    .filter((example) => {
      // A macro that it lacks comes as primitives, as in a plan.
      const widths = { inputWidth: example.row.length, outputWidth: example.expected.length };
      return (
        missingOperations(memberProgram({ ...example, widths: example.widths ?? {}, ...widths }), operations).length ===
        0
      );
    })
    .map(
      ({ name, row, expected, ...small }): ConformanceCase => ({
        name: `computes ${name}`,
        run: async () => {
          const widths = { inputWidth: row.length, outputWidth: expected.length };
          const runner = await ScriptRunner.compile(await openScript(), {
            ...small,
            widths: small.widths ?? {},
            ...widths,
          });
          // Among others, in two sequences: an operation works row by row, and on every row.
          const other = row.map(() => 0);
          const found = runner.run([
            { slot: 0, startPosition: 0, rows: [row, other] },
            { slot: 1, startPosition: 0, rows: [row] },
          ]);
          assertClose([found[0] ?? [], found[2] ?? []], [expected, expected]);
        },
      }),
    );
  const runs = (needs: readonly OperationName[]): boolean =>
    needs.every(
      (name) => operations.has(name) || (decompositions[name]?.every((part) => operations.has(part)) ?? false),
    );
  const whole = [...stepCases(openScript), ...programCases(openScript)].filter(({ needs }) => runs(needs));
  return [...hostCases, ...measuringConformance(host), ...examples, ...whole];
}

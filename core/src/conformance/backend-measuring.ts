/** What backends that measure their devices keep: figures that can be planned with, or reasons. */
import assert from 'node:assert/strict';
import type { Backend, DeviceMeasurement, Measured } from '../spec/backend.js';
import type { ConformanceCase } from './case.js';

/** None for a backend that does not measure. */
export function measuringConformance(host: Backend): ConformanceCase[] {
  const measure = host.measure?.bind(host);
  if (measure === undefined) return [];
  const firstDevice = async (): Promise<string> => {
    const [device] = (await host.probe()).filter(({ available }) => available);
    assert.ok(device, 'no device is available');
    return device.id;
  };
  // Two, so that it shows whether each has its own figures.
  const storageTypes = host.capabilities.storageTypes.slice(0, 2);
  return [
    {
      name: 'measuring gives a rate for each storage type that was asked for',
      run: async () => {
        const measurement = await measure(await firstDevice(), { storageTypes });
        assert.deepEqual(
          measurement.rates.map(({ storage }) => storage),
          storageTypes,
        );
        for (const [name, figure] of figuresOf(measurement)) checkFigure(name, figure);
      },
    },
    {
      name: 'a device that is not there cannot be measured',
      run: async () => {
        await assert.rejects(measure('no-such-device', { storageTypes }), { code: 'BACKEND_DEVICE_UNAVAILABLE' });
      },
    },
    {
      name: 'a measurement can be given up',
      run: async () => {
        const signal = AbortSignal.abort(new Error('given up'));
        await assert.rejects(measure(await firstDevice(), { storageTypes, signal }));
      },
    },
    {
      name: 'results of measuring have a key that stays the same',
      run: async () => {
        const id = await firstDevice();
        assert.equal(typeof host.measurementKey?.(id), 'string', 'there is no key: results could not be kept');
        assert.equal(host.measurementKey?.(id), host.measurementKey?.(id));
      },
    },
  ];
}

function figuresOf(measurement: DeviceMeasurement): [string, Measured][] {
  const rates = measurement.rates.flatMap(({ storage, oneCore, ...all }): [string, Measured][] => [
    [`decoding ${storage}`, all.decodeBytesPerSecond],
    [`reading prompts with ${storage}`, all.prefillOperationsPerSecond],
    ...(oneCore === undefined
      ? []
      : ([
          [`decoding ${storage} on one core`, oneCore.decodeBytesPerSecond],
          [`reading prompts with ${storage} on one core`, oneCore.prefillOperationsPerSecond],
        ] satisfies [string, Measured][])),
  ]);
  return [
    ...rates,
    ['memory bandwidth', measurement.memoryBandwidthBytesPerSecond],
    ['operation overhead', measurement.operationOverheadMicroseconds],
    ...(measurement.attention ?? []).flatMap((rate): [string, Measured][] => [
      [`attention of a token, heads of ${rate.headSize}`, rate.decodeOperationsPerSecond],
      [`attention of a prompt, heads of ${rate.headSize}`, rate.prefillOperationsPerSecond],
    ]),
  ];
}

function checkFigure(name: string, figure: Measured): void {
  if ('unknown' in figure) {
    assert.ok(figure.unknown.length > 0, `${name} is unknown without a reason`);
    return;
  }
  assert.ok(Number.isFinite(figure.value) && figure.value > 0, `${name} is ${figure.value}: what is unknown is no 0`);
}

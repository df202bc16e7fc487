/**
 * The TypeScript reader of checkpoints, with the inputs of `safetensors.rs`: an index or none, and up to two files.
 * Whatever it accepts can be read to the last element.
 */
import { SafetensorsCheckpoint } from '@shoal/core/internal/model/safetensors.js';
import { answers, Folder, parts } from './support.js';

const folder = new Folder('checkpoint');
const mostElements = 1 << 16;

export function fuzz(data: Buffer): void {
  const [index, first, second] = parts(data, 3) as [Buffer, Buffer, Buffer];
  folder.put('model.safetensors.index.json', index);
  folder.put('model.safetensors', first);
  folder.put('one.safetensors', first);
  folder.put('two.safetensors', second);
  using checkpoint = answers(
    ['MODEL_CHECKPOINT_INVALID', 'MODEL_NOT_FOUND'],
    () => new SafetensorsCheckpoint(folder.path),
  );
  for (const { name, shape } of checkpoint?.tensors.values() ?? []) {
    const elements = shape.reduce((product, size) => product * size, 1);
    if (elements > mostElements) continue;
    answers(['MODEL_STORAGE_UNSUPPORTED'], () =>
      checkpoint?.readElements(name, [0, elements], new Float32Array(elements)),
    );
  }
}

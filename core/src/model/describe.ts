import { createHash } from 'node:crypto';
import path from 'node:path';
import { canonicalJson } from '../program/digest.js';
import { ShoalError } from '../spec/errors.js';
import type { CheckpointTensor, ModelConfig, ModelDescription } from '../spec/model.js';
import { hubNameOf } from './hub-cache.js';
import { parseModelJson, readModelText } from './model-file.js';
import { SafetensorsCheckpoint } from './safetensors.js';

/**
 * Reads what planning needs of the model in a folder: config.json and the headers of the weight files, no weights.
 * Throws MODEL_NOT_FOUND, MODEL_CONFIG_INVALID or MODEL_CHECKPOINT_INVALID.
 */
export async function describeModel(directory: string): Promise<ModelDescription> {
  const folder = path.resolve(directory);
  const configText = await readModelText(folder, 'config.json', 'MODEL_CONFIG_INVALID');
  if (configText === undefined) {
    const message = `${folder} is not a model: it has no config.json.`;
    throw new ShoalError('MODEL_NOT_FOUND', message, { details: { directory: folder } });
  }
  const config = checkConfig(
    parseModelJson(configText, path.join(folder, 'config.json'), 'MODEL_CONFIG_INVALID'),
    folder,
  );
  // A model without a tokenizer can be planned; using it with text fails with its own error.
  const tokenizerText = await readModelText(folder, 'tokenizer.json', 'MODEL_TOKENIZER_INVALID');
  const tensors = readTensors(folder);
  return {
    name: path.basename(hubNameOf(folder) ?? folder),
    directory: folder,
    digest: digestOf(config, tokenizerText, tensors),
    config,
    tensors,
  };
}

function checkConfig(config: Readonly<Record<string, unknown>>, folder: string): ModelConfig {
  const { architectures } = config;
  const legal =
    architectures === undefined ||
    (Array.isArray(architectures) && architectures.every((architecture) => typeof architecture === 'string'));
  if (legal) return config as ModelConfig;
  const message = `${path.join(folder, 'config.json')}: "architectures" is not a list of names.`;
  throw new ShoalError('MODEL_CONFIG_INVALID', message, { details: { directory: folder } });
}

function readTensors(folder: string): ReadonlyMap<string, CheckpointTensor> {
  using checkpoint = new SafetensorsCheckpoint(folder);
  const tensors = [...checkpoint.tensors.values()].map(
    ({ name, storage, shape, byteLength }) => [name, { name, storage, shape, byteLength }] as const,
  );
  // Sorted, so that how the checkpoint is spread over files does not show.
  return new Map(tensors.sort(([left], [right]) => (left < right ? -1 : 1)));
}

/**
 * Equal for copies of a checkpoint however their files are split and formatted. Weights themselves are not read: that
 * would take minutes, and a wrong value shows in no plan.
 */
function digestOf(
  config: ModelConfig,
  tokenizerText: string | undefined,
  tensors: ReadonlyMap<string, CheckpointTensor>,
): string {
  const hash = createHash('sha256');
  hash.update(canonicalJson(config));
  hash.update('\n');
  hash.update(
    createHash('sha256')
      .update(tokenizerText ?? '')
      .digest(),
  );
  for (const { name, storage, shape } of tensors.values()) hash.update(`\n${JSON.stringify([name, storage, shape])}`);
  return hash.digest('hex');
}

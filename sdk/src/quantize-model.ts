import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  cutsFor,
  describeModel,
  type ModelDescription,
  type PluginSet,
  resolveHome,
  resolveModelDirectory,
  type ShardingStrategy,
  ShoalError,
  type StorageChoice,
  strategyFor,
  tensorStorages,
} from '@shoal/core';
import { type PluginSelection, selectPlugins } from './cluster-plugins.js';
import { modelLibraries } from './shipped.js';

export interface QuantizeOptions extends PluginSelection {
  /** Types of matrices and embeddings; all else stays as it is stored. */
  readonly storage: StorageChoice;
  readonly threads?: number | undefined;
  readonly onProgress?:
    | ((progress: { readonly writtenBytes: number; readonly totalBytes: number }) => void)
    | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What was written. */
export interface QuantizedModel {
  readonly directory: string;
  readonly weightBytes: number;
}

/** Files beside the weights that belong to a model: configuration, tokenizer, template, licence. */
const belongs = /\.(json|jinja|model|txt|md)$|^(LICENSE|NOTICE)/i;
const isIndex = (name: string): boolean => name.endsWith('.index.json');

/**
 * Writes a model anew with its matrices quantized, so that loading it copies them: a folder like the one it was made from,
 * with one `model.safetensors` (docs/checkpoints.md says what is in it). The folder must not exist, or be empty; nothing is
 * left in it when this fails. Rejects with MODEL_*, PROGRAM_STORAGE_BLOCK, ENGINE_UNAVAILABLE, ARGUMENT_INVALID or ABORTED.
 */
export async function quantizeModel(model: string, output: string, options: QuantizeOptions): Promise<QuantizedModel> {
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  const libraries = [path.join(resolveHome(options.home), 'models'), ...modelLibraries()];
  const description = await describeModel(await resolveModelDirectory(model, { libraries }));
  const plugins = await selectPlugins(options);
  const storages = tensorStorages([wholeProgram(strategyFor(plugins, description).host, description)], options.storage);
  const engine = await converter(plugins);

  const directory = path.resolve(output);
  const made = await makeEmptyFolder(directory);
  try {
    let weightBytes = 0;
    await engine(
      {
        modelDirectory: description.directory,
        outputFile: path.join(directory, 'model.safetensors'),
        tensors: [...storages].map(([name, storage]) => (storage === undefined ? { name } : { name, storage })),
        ...(options.threads === undefined ? {} : { threads: options.threads }),
        onProgress: (writtenBytes, totalBytes) => {
          weightBytes = totalBytes;
          options.onProgress?.({ writtenBytes, totalBytes });
        },
      },
      signal,
    );
    await copyCompanions(description.directory, directory);
    // Last: a folder without it is no model.
    await writeConfiguration(description, directory, options.storage);
    return { directory, weightBytes };
  } catch (thrown) {
    await emptyFolder(directory, made);
    throw ShoalError.from(thrown, 'MODEL_WRITE_FAILED');
  }
}

/** The whole model as one program: it names every tensor that any plan reads. */
function wholeProgram(strategy: ShardingStrategy, { config, tensors }: ModelDescription) {
  const constraints = strategy.constraints(config, 1);
  const request = {
    layers: [0, constraints.layerCount],
    hasEmbedding: true,
    hasHead: true,
    memberCount: 1,
    cuts: cutsFor(constraints, [1]),
  } as const;
  return strategy.program(config, tensors, request, {});
}

async function converter(plugins: PluginSet) {
  const reasons: string[] = [];
  for (const { name, host } of plugins.of('engine')) {
    const reason = await host.unavailableReason();
    const convert = host.convertCheckpoint?.bind(host);
    if (reason === undefined && convert !== undefined) return convert;
    reasons.push(`${name}: ${reason ?? 'does not convert checkpoints'}`);
  }
  const why = reasons.join('; ') || 'no engine plugin is loaded';
  throw new ShoalError('ENGINE_UNAVAILABLE', `nothing here can convert a checkpoint: ${why}`, { details: { reasons } });
}

/** Gives whether the folder had to be made. */
async function makeEmptyFolder(directory: string): Promise<boolean> {
  try {
    const made = await mkdir(directory, { recursive: true });
    if (made !== undefined || (await readdir(directory)).length === 0) return made !== undefined;
  } catch (thrown) {
    throw ShoalError.from(thrown, 'MODEL_WRITE_FAILED');
  }
  const message = `${directory} is not empty; name a folder that does not exist yet.`;
  throw new ShoalError('ARGUMENT_INVALID', message, { details: { argument: 'output', directory } });
}

async function emptyFolder(directory: string, made: boolean): Promise<void> {
  if (made) return await rm(directory, { recursive: true, force: true });
  for (const name of await readdir(directory)) await rm(path.join(directory, name), { recursive: true, force: true });
}

async function copyCompanions(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    if (!belongs.test(name) || isIndex(name) || name === 'config.json') continue;
    if ((await stat(path.join(from, name))).isFile()) await copyFile(path.join(from, name), path.join(to, name));
  }
}

/** The configuration says that the weights are quantized, so that no other program takes bytes of blocks for numbers. */
async function writeConfiguration(
  { directory: from }: ModelDescription,
  to: string,
  storage: StorageChoice,
): Promise<void> {
  const config = JSON.parse(await readFile(path.join(from, 'config.json'), 'utf8')) as Record<string, unknown>;
  config.quantization_config = { quant_method: 'shoal', matrix: storage.matrix, embedding: storage.embedding };
  await writeFile(path.join(to, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

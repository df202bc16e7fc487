/** The models that a home knows by name. */
import { type Dirent, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorCode } from '@shoal/core';
import { describeModel, hubNames, hubSnapshot, resolveHome, ShoalError } from '@shoal/core/client';
import { hubCaches, shippedModelLibraries } from './shipped.js';

export interface LibraryModel {
  /** What `load` takes; with its owner where it has one (`owner/model`). */
  readonly name: string;
  readonly directory: string;
  /** As config.json names it. */
  readonly architecture: string;
  readonly digest?: string;
  /** As stored. */
  readonly weightBytes?: number;
  readonly tensorCount?: number;
  /** Why it cannot be used. */
  readonly problem?: { readonly code: ErrorCode; readonly message: string };
}

interface Libraries {
  readonly home?: string;
  /** Whether models that other programs have fetched count, too; default true. */
  readonly fetchedByOthers?: boolean;
}

/** Every folder with a config.json in the libraries, the home's first; a name that is hidden by another is left out. */
export async function listModels(options: Libraries = {}): Promise<LibraryModel[]> {
  const folders = await modelFolders(options);
  const models: LibraryModel[] = [];
  for (const [name, directory] of folders) models.push(await describe(name, directory));
  return models;
}

/** Names and folders of the same models; their files are not read. */
export async function modelFolders({ home, fetchedByOthers = true }: Libraries): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const add = (name: string, directory: string | undefined) => {
    if (directory === undefined || found.has(name) || !existsSync(join(directory, 'config.json'))) return;
    found.set(name, directory);
  };
  for (const library of [join(resolveHome(home), 'models'), ...shippedModelLibraries()]) {
    for (const name of await modelNames(library)) add(name, join(library, name));
  }
  for (const cache of fetchedByOthers ? hubCaches() : []) {
    for (const name of (await hubNames(cache)).sort()) add(name, await hubSnapshot(cache, name));
  }
  return found;
}

async function modelNames(library: string): Promise<string[]> {
  const names: string[] = [];
  for (const owner of await foldersIn(library)) {
    if (existsSync(join(library, owner, 'config.json'))) {
      names.push(owner);
      continue;
    }
    for (const model of await foldersIn(join(library, owner))) {
      if (existsSync(join(library, owner, model, 'config.json'))) names.push(`${owner}/${model}`);
    }
  }
  return names.sort();
}

async function foldersIn(directory: string): Promise<string[]> {
  const entries: Dirent[] = await readdir(directory, { withFileTypes: true }).catch(() => []);
  // A link to a folder elsewhere is a folder, too: large checkpoints are often kept on another disk.
  return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
}

async function describe(name: string, directory: string): Promise<LibraryModel> {
  try {
    const { config, digest, tensors } = await describeModel(directory);
    const architecture = config.architectures?.join(', ') ?? 'unnamed';
    const weightBytes = [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    return { name, directory, architecture, digest, weightBytes, tensorCount: tensors.size };
  } catch (thrown) {
    const { code, message } = ShoalError.from(thrown, 'MODEL_CHECKPOINT_INVALID');
    return { name, directory, architecture: 'unknown', problem: { code, message } };
  }
}

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ShoalError } from '../spec/errors.js';
import { describeSyntaxError, type JsonSource, parseJsonSource } from './json-source.js';
import { compileSchema, type Validator } from './schema-validation.js';

/** Names a plugin: what plugins.json lists and what a plugin package's factory returns. JSON-safe. */
export type PluginReference = {
  module: string;
  export?: string;
  enabled?: boolean;
  options?: Record<string, unknown>;
  isolation?: 'process' | 'none';
};

export type PluginManifest = {
  $schema?: string;
  plugins: PluginReference[];
};

/** Written out: a library that makes schemas would take a third of the time in which the command starts. */
const pluginReferenceSchema = {
  type: 'object',
  required: ['module'],
  properties: {
    module: {
      type: 'string',
      minLength: 1,
      description: 'A package name, or a path relative to this file that begins with "./" or "../".',
    },
    export: { type: 'string', minLength: 1, description: 'Name of the export; "default" unless given.' },
    enabled: { type: 'boolean', description: 'false keeps the entry without loading it.' },
    options: { type: 'object', patternProperties: { '^.*$': {} }, description: "The plugin's options; it says which." },
    isolation: {
      enum: ['process', 'none'],
      description: 'Where the hot path runs: a worker process per shard (default), or this process.',
    },
  } satisfies Record<keyof PluginReference, object>,
  additionalProperties: false,
};

/** Schema of plugins.json, the source of `core/plugins.schema.json`. */
export const pluginManifestSchema = {
  type: 'object',
  required: ['plugins'],
  properties: {
    $schema: { type: 'string' },
    plugins: {
      type: 'array',
      items: pluginReferenceSchema,
      description: 'In order of preference within a kind.',
    },
  } satisfies Record<keyof PluginManifest, object>,
  additionalProperties: false,
};

/** A manifest with where it came from: modules are resolved relative to `file`. */
export interface PluginManifestFile {
  /** Absolute path. */
  readonly file: string;
  /** Enabled entries, in order. `label` says where an entry stands, for messages. */
  readonly plugins: readonly { readonly reference: PluginReference; readonly label: string }[];
}

const maximumManifestBytes = 1_000_000;
let validator: Validator | undefined;

/** Reads and checks a manifest. Throws PLUGIN_MANIFEST_INVALID naming file, line, column and path of every problem. */
export async function readPluginManifest(path: string): Promise<PluginManifestFile> {
  const file = resolve(path);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (thrown) {
    const reason = (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(thrown);
    throw new ShoalError('PLUGIN_MANIFEST_INVALID', `${file}: ${reason}.`, { details: { file }, cause: thrown });
  }
  return parsePluginManifest(text, file);
}

/** The same for a text; `file` is the absolute path that it is taken to stand at. */
export function parsePluginManifest(text: string, file: string): PluginManifestFile {
  if (text.length > maximumManifestBytes) {
    throw new ShoalError('PLUGIN_MANIFEST_INVALID', `${file}: larger than ${maximumManifestBytes} bytes.`);
  }
  let source: JsonSource;
  try {
    source = parseJsonSource(text);
  } catch (thrown) {
    throw describeSyntaxError(thrown, file, 'PLUGIN_MANIFEST_INVALID');
  }
  validator ??= compileSchema(pluginManifestSchema);
  const problems = validator.validate(source.value).map(({ pointer, message }) => {
    const { line, column } = source.locate(pointer);
    return { pointer, message, line, column };
  });
  if (problems.length > 0) {
    const lines = problems.map(
      ({ pointer, message, line, column }) =>
        `${file}:${line}:${column}: ${pointer === '' ? '' : `${pointer}: `}${message}`,
    );
    throw new ShoalError('PLUGIN_MANIFEST_INVALID', lines.join('\n'), { details: { file, problems } });
  }
  const manifest = source.value as PluginManifest;
  return {
    file,
    plugins: manifest.plugins.flatMap((reference, index) => {
      if (reference.enabled === false) return [];
      const { line } = source.locate(`/plugins/${index}`);
      return [{ reference, label: `${file}:${line} /plugins/${index} (${reference.module})` }];
    }),
  };
}

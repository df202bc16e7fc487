import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Static, Type } from 'typebox';
import { ShoalError } from '../spec/errors.js';
import { describeSyntaxError, type JsonSource, parseJsonSource } from './json-source.js';
import { compileSchema } from './schema-validation.js';

const pluginReferenceSchema = Type.Object(
  {
    module: Type.String({
      minLength: 1,
      description: 'A package name, or a path relative to this file that begins with "./" or "../".',
    }),
    export: Type.Optional(Type.String({ minLength: 1, description: 'Name of the export; "default" unless given.' })),
    enabled: Type.Optional(Type.Boolean({ description: 'false keeps the entry without loading it.' })),
    options: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: "The plugin's options; it says which." }),
    ),
    isolation: Type.Optional(
      Type.Enum(['process', 'none'], {
        description: 'Where the hot path runs: a worker process per shard (default), or this process.',
      }),
    ),
  },
  { additionalProperties: false },
);

/** Schema of plugins.json, the source of `core/plugins.schema.json`. */
export const pluginManifestSchema = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    plugins: Type.Array(pluginReferenceSchema, { description: 'In order of preference within a kind.' }),
  },
  { additionalProperties: false },
);

/** Names a plugin: what plugins.json lists and what a plugin package's factory returns. JSON-safe. */
export type PluginReference = Static<typeof pluginReferenceSchema>;

export type PluginManifest = Static<typeof pluginManifestSchema>;

/** A manifest with where it came from: modules are resolved relative to `file`. */
export interface PluginManifestFile {
  /** Absolute path. */
  readonly file: string;
  /** Enabled entries, in order. `label` says where an entry stands, for messages. */
  readonly plugins: readonly { readonly reference: PluginReference; readonly label: string }[];
}

const maximumManifestBytes = 1_000_000;
const validator = compileSchema(pluginManifestSchema);

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

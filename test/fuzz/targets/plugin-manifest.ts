/** plugins.json: its own JSON reader must agree with the runtime's, and problems must be told under one code. */
import assert from 'node:assert/strict';
import { parseJsonSource } from '@shoal/core/internal/runtime/json-source.js';
import { parsePluginManifest } from '@shoal/core/internal/runtime/plugin-manifest.js';
import { answers } from './support.js';

export function fuzz(data: Buffer): void {
  const text = data.toString('utf8');
  const manifest = answers(['PLUGIN_MANIFEST_INVALID'], () => parsePluginManifest(text, '/plugins.json'));
  for (const { reference } of manifest?.plugins ?? []) assert.equal(typeof reference.module, 'string');

  const withoutMark = text.startsWith('\uFEFF') ? text.slice(1) : text;
  let known: unknown;
  try {
    known = JSON.parse(withoutMark);
  } catch {
    assert.throws(() => parseJsonSource(text), 'JSON.parse refuses what this reader takes');
    return;
  }
  let found: unknown;
  try {
    found = parseJsonSource(text).value;
  } catch (thrown) {
    // The reader is stricter in two things.
    assert.match((thrown as Error).message, /given twice|nested deeper/);
    return;
  }
  assert.deepEqual(found, known);
}

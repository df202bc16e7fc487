// Checks the tarballs of `npm run pack:all` as their users' tools will: publint (what resolvers find) and
// arethetypeswrong (what TypeScript finds), and that the manifests say what a registry shows.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { enginePackage, publishedPackages } from './packages.mjs';
import { main, root } from './tools.mjs';

const neededFields = ['description', 'keywords', 'homepage', 'bugs', 'repository', 'license', 'engines', 'files'];

/**
 * Shoal is ES modules only: what a `require` finds, in CommonJS or by TypeScript's oldest resolution, is not asked. This
 * is the profile `esm-only` of attw's command.
 */
const ignoredResolutions = new Set(['node10', 'node16-cjs']);

function manifestProblems({ manifest }, version) {
  const fields = [...neededFields, 'sideEffects', 'exports', 'type'].filter((field) => manifest[field] === undefined);
  const problems = fields.map((field) => `package.json lacks "${field}"`);
  if (manifest.version !== version) problems.push(`has version ${manifest.version}, the workspace ${version}`);
  for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
    if (name.startsWith('@shoal/') && range !== version) problems.push(`wants ${name} ${range} beside ${version}`);
  }
  return problems;
}

async function publintProblems(bytes) {
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

async function typeProblems(bytes) {
  // The header is for compilers of another language.
  const result = await checkPackage(createPackageFromTarballData(bytes), { excludeEntrypoints: [/\.h$/] });
  // A platform's package is an addon alone.
  if (!result.types) return [];
  const counted = result.problems.filter(
    ({ resolutionKind, resolutionOption }) =>
      !ignoredResolutions.has(resolutionKind) && !ignoredResolutions.has(resolutionOption),
  );
  return counted.map(({ kind, entrypoint, resolutionKind }) =>
    ['attw:', kind, entrypoint, resolutionKind].filter(Boolean).join(' '),
  );
}

main(async () => {
  const folder = resolve(process.argv[2] ?? join(root, 'build', 'packages'));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const packages = publishedPackages();
  const problems = packages.flatMap((one) => {
    return manifestProblems(one, version).map((problem) => `${one.manifest.name}: ${problem}`);
  });
  const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const expected = packages.map(({ manifest }) => `${manifest.name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  for (const name of expected.filter((name) => !tarballs.includes(name))) problems.push(`${name} was not packed`);
  for (const name of tarballs) {
    const bytes = Uint8Array.from(readFileSync(join(folder, name)));
    const found = [...(await publintProblems(bytes)), ...(await typeProblems(bytes))];
    problems.push(...found.map((problem) => `${name}: ${problem}`));
  }
  if (problems.length > 0) throw new Error(`the packages are not as they should be:\n  ${problems.join('\n  ')}`);
  const engines = tarballs.length - packages.length;
  process.stdout.write(`packages: ${packages.length}, and ${engines} of ${enginePackage}, are as they should be\n`);
});

/** Clients of other people's interfaces, which test/clients has apart from the workspace. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from './repository.js';
import { type Runtime, runtimes } from './runtimes.js';

const folder = join(repositoryRoot, 'test', 'clients');
const require = createRequire(join(folder, 'package.json'));

/** False when the client is there, else why a test of it is skipped. */
export function missingClient(name: string): string | false {
  if (existsSync(join(folder, 'node_modules', name))) return false;
  return `${name} is not installed: npm install --prefix test/clients --no-save`;
}

/** What a client's programs run under: what runs the tests, or the oldest Node beside it that the client asks for. */
export function clientRuntime(name: string): Runtime {
  const missing = missingClient(name);
  if (missing) return { name, missing };
  const { engines } = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as {
    engines?: { node?: string };
  };
  const wanted = Number(/^>= *(\d+)/.exec(engines?.node ?? '')?.[1] ?? 0);
  const [current, ...others] = runtimes();
  if (current && Number(process.versions.node.split('.')[0]) >= wanted) return current;
  const found = others.find((one) => one.command && Number(/^Node (\d+)$/.exec(one.name)?.[1] ?? 0) >= wanted);
  return found ?? { name, missing: `${name} asks for Node ${wanted} or newer: npm ci --prefix test/runtimes` };
}

/** What work fails with; undefined where it does not fail. */
export const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

/** The client's module. Its types are not there where it is not installed. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export async function importClient(name: string): Promise<any> {
  const file = require.resolve(name);
  return import(pathToFileURL(file).href);
}

/** The same of a client that is CommonJS. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export function requireClient(name: string): any {
  return require(name);
}

/** The interpreter that has the Python clients; undefined where test/clients/.venv was not made. */
export function clientPython(): string | undefined {
  const file = join(folder, '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  return existsSync(file) ? file : undefined;
}

/** The home folder, the node that may run in it, and whether programs can reach it. */
import { access, constants, lstat, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attachNode, describeLocalSocket, isNodeRunning, ShoalError, softwareVersion } from '@shoal/core';
import { type Finding, ok, problem, warning } from './finding.js';

export async function homeFindings(directory: string): Promise<Finding[]> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await access(directory, constants.R_OK | constants.W_OK);
  } catch (thrown) {
    const { message } = ShoalError.from(thrown);
    return [problem('home', directory, message, 'Make the folder writable or set SHOAL_HOME.')];
  }
  const keys = await Promise.all(['cluster.key', 'identity.key'].map((name) => keyFinding(join(directory, name))));
  return [ok('home', directory, 'can be read and written'), ...keys.flat()];
}

/** A key that others can read is no secret. A missing one is made when it is needed. */
async function keyFinding(path: string): Promise<Finding[]> {
  const status = await lstat(path).catch(() => undefined);
  if (status === undefined) return [];
  if (process.platform === 'win32' || (status.mode & 0o077) === 0) return [ok('home', path, 'is private to its user')];
  const mode = (status.mode & 0o777).toString(8);
  return [problem('home', path, `others of this machine may read it (mode ${mode})`, `chmod 600 '${path}'`)];
}

export async function nodeFindings(directory: string): Promise<Finding[]> {
  return [await loopbackFinding(), socketFinding(directory), await runningNodeFinding(directory)];
}

/** Exported for its test: systems allow few bytes for the path of a socket. */
export function socketFinding(home: string): Finding {
  const { path, pathBytes, maximumBytes, isElsewhere } = describeLocalSocket(home);
  if (maximumBytes === undefined) return ok('node', 'socket', path);
  const message = `${path}, ${pathBytes} of ${maximumBytes} bytes`;
  if (pathBytes <= maximumBytes) {
    return ok('node', 'socket', isElsewhere ? `${message}; the path of the home is too long for it` : message);
  }
  const remedy = `Set SHOAL_HOME to a folder with a shorter path, or TMPDIR, now ${tmpdir()}.`;
  return problem('node', 'socket', `its path is too long: ${message}`, remedy);
}

function loopbackFinding(): Promise<Finding> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => {
      const remedy = 'Bring up the loopback interface (`ip link set lo up`), or allow sockets in the sandbox.';
      resolve(problem('node', 'loopback', `cannot listen on 127.0.0.1: ${error.message}`, remedy));
    });
    server.listen(0, '127.0.0.1', () => {
      server.close(() => resolve(ok('node', 'loopback', 'can be listened on')));
    });
  });
}

async function runningNodeFinding(home: string): Promise<Finding> {
  if (!(await isNodeRunning(home))) return ok('node', 'running node', 'none in this home');
  try {
    const node = await attachNode(home);
    try {
      const nodes = await node.service.nodes();
      const version = nodes.find(({ state }) => state === 'self')?.softwareVersion ?? 'unknown';
      const others = nodes.filter(({ state }) => state === 'connected').length;
      const message = `${node.nodeName}, version ${version}, knows ${others} others`;
      if (version === softwareVersion()) return ok('node', 'running node', message);
      const remedy = 'Stop the node and start it again.';
      return warning('node', 'running node', `${message}; this is version ${softwareVersion()}`, remedy);
    } finally {
      await node.close();
    }
  } catch (thrown) {
    const { message, remedy } = ShoalError.from(thrown);
    return problem('node', 'running node', message, remedy);
  }
}

/** Where the daemon's local API listens: a Unix socket, a named pipe, or on macOS a port with a password. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

export type Endpoint =
  | { readonly socketPath: string }
  | { readonly port: number; readonly password: string; readonly where: string };

/** What of the machine decides it; tests give their own. */
export interface EndpointSource {
  readonly platform: NodeJS.Platform;
  /** Whether there is a socket. */
  readonly exists: (path: string) => boolean;
  /** Folder in which the macOS app that is not of the App Store keeps port and password. */
  readonly macosFolder: string;
  /** What `lsof` says of the App Store's app: it keeps port and password in the name of a file that it has open. */
  readonly listOpenFiles: () => Promise<string>;
}

const lsofDeadlineMilliseconds = 3000;

export const thisMachine: EndpointSource = {
  platform: process.platform,
  exists: existsSync,
  macosFolder: '/Library/Tailscale',
  listOpenFiles: () =>
    new Promise((resolve) => {
      const user = String(process.getuid?.() ?? 0);
      const args = ['-n', '-a', `-u${user}`, '-c', 'IPNExtension', '-F'];
      execFile('lsof', args, { timeout: lsofDeadlineMilliseconds }, (_error, output) => resolve(output ?? ''));
    }),
};

/** As the daemon chooses it, per system and per maker of network storage. */
const unixSockets = [
  '/var/run/tailscale/tailscaled.sock',
  '/var/packages/Tailscale/var/tailscaled.sock',
  '/var/packages/Tailscale/etc/tailscaled.sock',
  '/tmp/tailscale/tailscaled.sock',
  '/perm/tailscaled/tailscaled.sock',
] as const;
const macosSocket = '/var/run/tailscaled.socket';
const windowsPipe = '\\\\.\\pipe\\ProtectedPrefix\\Administrators\\Tailscale\\tailscaled';

/** The most likely one; that nothing answers there is found out by asking. */
export async function findEndpoint(source: EndpointSource = thisMachine): Promise<Endpoint> {
  if (source.platform === 'win32') return { socketPath: windowsPipe };
  if (source.platform !== 'darwin') return { socketPath: unixSockets.find(source.exists) ?? unixSockets[0] };
  if (source.exists(macosSocket)) return { socketPath: macosSocket };
  const open = endpointInOpenFiles(await source.listOpenFiles());
  return open ?? (await endpointInFolder(source.macosFolder)) ?? { socketPath: macosSocket };
}

/** `ipnport` is a link whose target is the port; `sameuserproof-<port>` has the password. */
async function endpointInFolder(folder: string): Promise<Endpoint | undefined> {
  try {
    const port = await readlink(join(folder, 'ipnport'));
    const where = join(folder, `sameuserproof-${port}`);
    const password = (await readFile(where, 'utf8')).trim();
    return isPort(port) && password !== '' ? { port: Number(port), password, where } : undefined;
  } catch {
    return undefined;
  }
}

/** A name such as `…group.io.tailscale.ipn.macos/sameuserproof-61577-2ae2ec9e0aa2005784f1`. */
function endpointInOpenFiles(lines: string): Endpoint | undefined {
  const [, port = '', password = ''] = /\.tailscale\.ipn\.macos\/sameuserproof-(\d+)-(\S+)/.exec(lines) ?? [];
  return isPort(port) ? { port: Number(port), password, where: 'the Tailscale app' } : undefined;
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536;
}

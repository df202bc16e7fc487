import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

/** The part of a manifest that tests look at. */
export interface PackedManifest {
  readonly name: string;
  readonly version: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly [field: string]: unknown;
}

/** Files of a tarball by their path in the package; enough of tar (POSIX ustar) for what npm writes. */
export function unpack(tarball: string): ReadonlyMap<string, Buffer> {
  const bytes = gunzipSync(readFileSync(tarball));
  const files = new Map<string, Buffer>();
  for (let offset = 0; offset + 512 <= bytes.length && bytes[offset] !== 0; ) {
    const header = bytes.subarray(offset, offset + 512);
    const field = (from: number, to: number) => header.toString('utf8', from, to).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 136), 8);
    const name = path.posix.join(field(345, 500), field(0, 100)).replace(/^package\//, '');
    if (header[156] === 0x30) files.set(name, bytes.subarray(offset + 512, offset + 512 + size));
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/**
 * A registry on loopback that has the packed packages of one scope, so that an installer resolves them as it will those
 * that are published: platforms by their manifests, each tarball only when it is wanted.
 */
export class PackageRegistry implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Serves the tarballs in a folder, and manifests without tarballs for packages that nobody may fetch. */
  static async start(folder: string, unfetchable: readonly PackedManifest[]): Promise<PackageRegistry> {
    const packages = new Map<string, { manifest: PackedManifest; file?: string }>();
    for (const manifest of unfetchable) packages.set(manifest.name, { manifest });
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
      const text = unpack(path.join(folder, file)).get('package.json')?.toString('utf8') ?? '';
      const manifest = JSON.parse(text) as PackedManifest;
      packages.set(manifest.name, { manifest, file });
    }
    const server = createServer((request, response) => {
      const url = decodeURIComponent(request.url ?? '/').slice(1);
      const tarball = /^tarballs\/([^/]+\.tgz)$/.exec(url)?.[1];
      if (tarball !== undefined) {
        response.end(readFileSync(path.join(folder, tarball)));
        return;
      }
      const found = packages.get(url);
      if (!found) {
        response.writeHead(404).end('{}');
        return;
      }
      const { manifest, file = 'absent.tgz' } = found;
      const bytes = found.file === undefined ? Buffer.alloc(0) : readFileSync(path.join(folder, file));
      const dist = {
        tarball: `${registry.url}tarballs/${file}`,
        integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
      };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          name: manifest.name,
          'dist-tags': { latest: manifest.version },
          versions: { [manifest.version]: { ...manifest, dist } },
        }),
      );
    });
    const registry = new PackageRegistry(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The page at `/`: a few files, read when the API starts. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { FastifyInstance } from 'fastify';

const folder = new URL('../page/', import.meta.url);

const script = 'text/javascript; charset=utf-8';
const style = 'text/css; charset=utf-8';

/** The first is the page itself. */
const files = [
  ['index.html', 'text/html; charset=utf-8'],
  ['cards.js', script],
  ['chat.js', script],
  ['cluster.js', script],
  ['connection.js', script],
  ['elements.js', script],
  ['format.js', script],
  ['loading.js', script],
  ['markdown.js', script],
  ['marked.js', script],
  ['page.js', script],
  ['picture.js', script],
  ['plan.js', script],
  ['cluster.css', style],
  ['page.css', style],
  ['icon.svg', 'image/svg+xml'],
] as const;

/** Everything comes from here, nothing is asked of anybody else, and no other page shows this one. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/** Paths of the page: they hold no secret, and who has a key types it there. */
export const pagePaths: readonly string[] = ['/', ...files.slice(1).map(([name]) => `/page/${name}`)];

/** One file is a library's, which is a module that browsers take as it is. */
function placeOf(name: string): URL {
  return name === 'marked.js' ? pathToFileURL(createRequire(import.meta.url).resolve('marked')) : new URL(name, folder);
}

export async function addPage(server: FastifyInstance): Promise<void> {
  for (const [index, [name, type]] of files.entries()) {
    const content = await readFile(placeOf(name));
    server.get(pagePaths[index] ?? '', { schema: { isHidden: true } }, async (_request, reply) => {
      reply.header('content-security-policy', policy);
      reply.header('x-content-type-options', 'nosniff');
      reply.header('referrer-policy', 'no-referrer');
      reply.header('cache-control', 'no-cache');
      return reply.type(type).send(content);
    });
  }
}

/** The page at `/`: a few files, read when the API starts. */
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';

const folder = new URL('../page/', import.meta.url);

const files = [
  ['index.html', 'text/html; charset=utf-8'],
  ['page.js', 'text/javascript; charset=utf-8'],
  ['markdown.js', 'text/javascript; charset=utf-8'],
  ['page.css', 'text/css; charset=utf-8'],
  ['icon.svg', 'image/svg+xml'],
] as const;

/** Everything comes from here, nothing is asked of anybody else, and no other page shows this one. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Paths of the page: they hold no secret, and who has a key types it there. */
export const pagePaths: readonly string[] = ['/', ...files.slice(1).map(([name]) => `/page/${name}`)];

export async function addPage(server: FastifyInstance): Promise<void> {
  for (const [index, [name, type]] of files.entries()) {
    const content = await readFile(new URL(name, folder));
    server.get(pagePaths[index] ?? '', async (_request, reply) => {
      reply.header('content-security-policy', policy);
      reply.header('x-content-type-options', 'nosniff');
      reply.header('referrer-policy', 'no-referrer');
      reply.header('cache-control', 'no-cache');
      return reply.type(type).send(content);
    });
  }
}

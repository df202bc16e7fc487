/** Asks the daemon of this machine. Whatever it answers, there is an answer within the deadline. */
import { type IncomingMessage, request } from 'node:http';
import type { DiscoveryFault } from '@shoal/core';
import type { Endpoint } from './endpoint.js';
import { readStatus, type TailnetStatus } from './status.js';

export type Answer = { readonly status: TailnetStatus } | { readonly fault: DiscoveryFault };

/** The daemon refuses every other name: a page in a browser cannot send this one. */
const hostName = 'local-tailscaled.sock';
const deadlineMilliseconds = 3000;
const maximumBytes = 16 * 2 ** 20;
const install = 'Install Tailscale and log in (`tailscale up`), or take this plugin out of plugins.json.';

export async function askStatus(endpoint: Endpoint, signal: AbortSignal): Promise<Answer> {
  const where = 'socketPath' in endpoint ? endpoint.socketPath : `127.0.0.1:${endpoint.port} (${endpoint.where})`;
  try {
    const { code, body } = await get(endpoint, signal);
    if (code === 401 || code === 403) {
      const reason = `tailscaled at ${where} does not let this user ask: ${body.trim().slice(0, 100)}`;
      return { fault: { reason, remedy: 'Run the node as the user who set Tailscale up.' } };
    }
    const status = code === 200 ? readStatus(body) : undefined;
    if (status) return { status };
    const reason = `what listens at ${where} does not answer as tailscaled does (HTTP ${code})`;
    return { fault: { reason, remedy: 'Update Tailscale, or set the plugin’s option `socket`.' } };
  } catch (thrown) {
    return { fault: faultOf(thrown as NodeJS.ErrnoException, where) };
  }
}

function faultOf({ code, message }: NodeJS.ErrnoException, where: string): DiscoveryFault {
  switch (code) {
    case 'ENOENT':
      return { reason: `no tailscaled runs here: ${where} is not there`, remedy: install };
    case 'ECONNREFUSED':
      return {
        reason: `no tailscaled runs here: nobody listens at ${where}`,
        remedy: 'Start Tailscale (`systemctl start tailscaled`, or the app).',
      };
    case 'EACCES':
    case 'EPERM':
      return {
        reason: `this user may not open ${where}`,
        remedy: 'Run the node as the user who set Tailscale up.',
      };
    default:
      return { reason: `tailscaled at ${where} does not answer: ${message}`, remedy: 'Restart Tailscale.' };
  }
}

function get(endpoint: Endpoint, signal: AbortSignal): Promise<{ code: number; body: string }> {
  return new Promise((resolve, reject) => {
    const target =
      'socketPath' in endpoint
        ? { socketPath: endpoint.socketPath }
        : { host: '127.0.0.1', port: endpoint.port, auth: `:${endpoint.password}` };
    const asking = request({ ...target, path: '/localapi/v0/status', headers: { Host: hostName }, agent: false });
    const fail = (error: Error) => {
      asking.destroy();
      settle(() => reject(error));
    };
    const abort = () => fail(new Error('the node is stopping'));
    // Of the whole exchange: one that sends a byte now and then is too slow, too.
    const timer = setTimeout(
      () => fail(new Error(`no answer within ${deadlineMilliseconds / 1000} s`)),
      deadlineMilliseconds,
    );
    const settle = (outcome: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      outcome();
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    asking.on('error', fail);
    asking.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maximumBytes) fail(new Error(`its answer is longer than ${maximumBytes / 2 ** 20} MiB`));
        else chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () => {
        settle(() => resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
      });
    });
    asking.end();
  });
}

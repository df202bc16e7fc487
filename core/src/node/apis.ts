/** The APIs of a node: plugins that serve it to programs of other kinds. */
import { timingSafeEqual } from 'node:crypto';
import type { PluginSet } from '../runtime/plugin-set.js';
import type { Api, ApiContext, ApiSettings, RunningApi } from '../spec/api.js';
import { ShoalError } from '../spec/errors.js';
import type { PluginContext } from '../spec/plugin.js';
import { parseClusterKey } from './home.js';
import type { NodeService } from './service.js';

/** What of a node its APIs need. */
export interface ApiParts {
  readonly plugins: PluginSet;
  readonly service: NodeService;
  readonly nodeName: string;
  readonly softwareVersion: string;
  readonly clusterKey: Uint8Array;
  readonly log: PluginContext['log'];
}

/** An API of a running node. */
export interface NodeApi {
  /** Name of its plugin. */
  readonly name: string;
  /** Where it is reached; empty when it does not serve. */
  readonly addresses: readonly string[];
  /** Why it does not serve. */
  readonly failure?: { readonly code: string; readonly message: string };
}

export interface RunningApis {
  readonly list: readonly NodeApi[];
  close(): Promise<void>;
}

/**
 * Starts the APIs among the plugins. One that cannot serve keeps no node from joining, unless where it serves was asked
 * for: then its error is thrown.
 */
export async function startApis(parts: ApiParts, settings: ApiSettings, signal: AbortSignal): Promise<RunningApis> {
  const running: RunningApi[] = [];
  const list: NodeApi[] = [];
  const close = async () => {
    await Promise.all(running.map((one) => one.close()));
  };
  for (const { name, host } of parts.plugins.of('api')) {
    try {
      const started = await (host as Api<NodeService>).start(contextOf(parts, settings), signal);
      running.push(started);
      list.push({ name, addresses: started.addresses });
      parts.log('info', `the API ${name} serves`, { addresses: started.addresses });
    } catch (thrown) {
      const error = ShoalError.from(thrown, 'API_FAILED');
      if (signal.aborted || settings.port !== undefined || settings.listen !== undefined) {
        await close();
        throw error;
      }
      list.push({ name, addresses: [], failure: { code: error.code, message: error.message } });
      parts.log('warn', `the API ${name} does not serve: ${error.message}`, { code: error.code });
    }
  }
  return { list, close };
}

function contextOf(parts: ApiParts, settings: ApiSettings): ApiContext<NodeService> {
  const { service, nodeName, softwareVersion, clusterKey } = parts;
  return {
    service,
    nodeName,
    softwareVersion,
    settings,
    isClusterKey(text) {
      let given: Uint8Array;
      try {
        given = parseClusterKey(text, 'the key');
      } catch {
        return false;
      }
      return timingSafeEqual(given, clusterKey);
    },
  };
}

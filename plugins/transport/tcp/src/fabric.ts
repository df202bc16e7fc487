/** The native fabric as a transport, for this package and those that are a part of it. */
import {
  type ChannelSet,
  importOptional,
  type ListenOptions,
  type MemberAddress,
  type MemberEndpoint,
  ShoalError,
  type TransportAvailability,
  type TransportEndpoint,
  type TransportListener,
  type TransportWorker,
} from '@shoal/core';
import type { FabricListener, MeshHandle } from '@shoal/engine-node';
import type { TcpOptions } from './options.js';
import { routedPeers, withZoneNumber, zoneNumbers } from './routes.js';

/** The fabric is native, so that it is there when the addon is. */
export async function fabricAvailability(): Promise<TransportAvailability> {
  const addon = await importOptional(() => import('@shoal/engine-node'));
  if ('module' in addon) return { available: true };
  return { available: false, reason: addon.unavailable, remedy: 'Run `npm run build:native`.' };
}

/** Worker half: binds a member's sockets and makes its mesh, both in the native fabric. */
export class FabricTransportWorker implements TransportWorker {
  readonly #name: string;
  readonly #options: TcpOptions;

  /** `name`: of the transport, as endpoints say it. */
  constructor(name: string, options: TcpOptions) {
    this.#name = name;
    this.#options = options;
  }

  async listen({ credentials, self, bindAddress, otherAddresses = [] }: ListenOptions): Promise<TransportListener> {
    const { kind, advertiseAddresses, socketDirectory } = this.#options;
    const bound = this.#options.bindAddress ?? bindAddress;
    const zones = zoneNumbers();
    try {
      const { FabricListener } = await import('@shoal/engine-node');
      return new MeshListener(
        this.#name,
        FabricListener.listen({
          credentials,
          self,
          kind,
          bindAddress: withZoneNumber(bound, zones) ?? bound,
          ...(this.#options.bindAddress === undefined
            ? { otherAddresses: otherAddresses.flatMap((address) => withZoneNumber(address, zones) ?? []) }
            : {}),
          ...(advertiseAddresses === undefined ? {} : { advertisedAddresses: [...advertiseAddresses] }),
          ...(socketDirectory === undefined ? {} : { socketDirectory }),
        }),
      );
    } catch (thrown) {
      throw ShoalError.from(thrown, 'TRANSPORT_UNAVAILABLE');
    }
  }
}

class MeshListener implements TransportListener {
  readonly endpoint: TransportEndpoint;
  readonly #listener: FabricListener;

  constructor(transport: string, listener: FabricListener) {
    this.#listener = listener;
    this.endpoint = { ...(JSON.parse(listener.endpoint) as TransportEndpoint), transport };
  }

  async connect(
    peers: readonly MemberEndpoint[],
    { deadlineMilliseconds }: { readonly deadlineMilliseconds: number },
  ): Promise<ChannelSet> {
    try {
      return new MeshChannels(
        await this.#listener.connect(JSON.stringify(routedPeers(peers, zoneNumbers())), deadlineMilliseconds),
      );
    } catch (thrown) {
      throw ShoalError.from(thrown, 'TRANSPORT_UNAVAILABLE');
    }
  }

  async close(): Promise<void> {
    this.#listener.close();
  }
}

/** The mesh is handed to the native engine as a whole, so that no single channels are given out. */
class MeshChannels implements ChannelSet {
  readonly channels: ChannelSet['channels'] = [];
  readonly mesh: bigint;
  readonly #mesh: MeshHandle;

  constructor(mesh: MeshHandle) {
    this.#mesh = mesh;
    this.mesh = mesh.mesh;
  }

  setHostStalled(stalled: boolean): void {
    this.#mesh.setHostStalled(stalled);
  }

  stalledHosts(): readonly MemberAddress[] {
    const stalled = this.#mesh.peerStates().filter(({ hostStalled }) => hostStalled);
    return stalled.map(({ stage, member }) => ({ stage, member }));
  }

  close(): Promise<void> {
    return this.#mesh.close();
  }
}

/** A node: its parts, put together and started in order. */
import { randomBytes } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { parseAddress } from '../control/addresses.js';
import { type ControlHost, createIdentity, startControlHost } from '../control/libp2p-host.js';
import { listenLocal } from '../control/local-socket.js';
import { messages, parseDocument } from '../control/messages.js';
import { type Peer, Peers } from '../control/peers.js';
import { type ControlHandlers, RpcConnection } from '../control/rpc.js';
import { ClusterContainer } from '../runtime/container.js';
import type { PluginSet } from '../runtime/plugin-set.js';
import { tokens } from '../runtime/tokens.js';
import { ShoalError } from '../spec/errors.js';
import type { ClusterEvent } from '../spec/events.js';
import type { PluginContext } from '../spec/plugin.js';
import { controlProtocolVersion } from '../spec/version.js';
import { clientHandlers } from './client-handlers.js';
import { Coordinator } from './coordinator.js';
import { EventHub } from './event-hub.js';
import { machineId, type NodeSummary } from './facts.js';
import { clusterTag, Home } from './home.js';
import { Ingress } from './ingress.js';
import { Instances, nodesOf } from './instances.js';
import { LocalMembers } from './local-members.js';
import { NodeLog } from './log.js';
import { logEvent, logsOf } from './log-service.js';
import { NodeDescriber } from './node-describer.js';
import { peerHandlers } from './peer-handlers.js';
import type { NodeService } from './service.js';
import type { NodeSettings } from './settings.js';
import { isOwnSighting } from './sightings.js';
import { softwareVersion } from './software-version.js';
import { Surveyor } from './survey.js';
import { nodeTokens } from './tokens.js';

export interface NodeOptions {
  readonly plugins: PluginSet;
  /** SHOAL_HOME unless given. */
  readonly home?: string | undefined;
  /** Shown to people; the machine's name unless given. */
  readonly name?: string | undefined;
  /** Addresses to listen on; loopback unless given. An empty list: only outgoing connections. */
  readonly listen?: readonly string[] | undefined;
  /** Addresses of nodes to join. */
  readonly peers?: readonly string[] | undefined;
  /** 32 bytes; the home's cluster.key unless given. */
  readonly clusterKey?: Uint8Array | undefined;
  /** `lasting` is kept in the home, and one process at a time may have it; `temporary` ends with the process. */
  readonly identity?: 'lasting' | 'temporary' | undefined;
  /** Whether this node's devices may compute; default true. */
  readonly devices?: boolean | undefined;
  /** Whether other programs of this machine may attach; default: with a lasting identity. */
  readonly localSocket?: boolean | undefined;
  /** Folders that hold models by name, besides the home's. */
  readonly modelLibraries?: readonly string[] | undefined;
  /** Address for workers of other nodes; follows `listen` unless given. */
  readonly dataAddress?: string | undefined;
  /** Takes what happens; made by the node unless given. */
  readonly log?: NodeLog | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Node extends AsyncDisposable {
  readonly nodeId: string;
  readonly name: string;
  readonly home: string;
  /** Where other nodes reach it. */
  readonly addresses: readonly string[];
  readonly service: NodeService;
  /** Leaves the cluster and frees everything; idempotent. */
  close(): Promise<void>;
}

const loopback = '/ip4/127.0.0.1/tcp/0';
/** The first round of dialing; those that come later join later. */
const settleDeadlineMilliseconds = 6000;
const peerListDeadlineMilliseconds = 3000;
/** Most nodes that one peer can tell of. */
const maximumIntroductions = 1000;

/** Starts a node; resolves when its known peers have joined or failed to. */
export async function startNode(options: NodeOptions): Promise<Node> {
  const container = new ClusterContainer(randomBytes(8).toString('hex'));
  try {
    return await new NodeBuilder(options, container).start();
  } catch (thrown) {
    await container.close().catch(() => undefined);
    throw thrown;
  }
}

class NodeBuilder {
  private readonly hub = new EventHub();
  private readonly lifetime = new AbortController();
  /** Questions to new peers about their peers that are not answered yet. */
  private readonly introductions = new Set<Promise<void>>();
  private readonly log: NodeLog;

  constructor(
    private readonly options: NodeOptions,
    private readonly container: ClusterContainer,
  ) {
    this.log = options.log ?? new NodeLog();
  }

  /** Observers hear of it, and it is written down. */
  private readonly emit = (event: ClusterEvent): void => {
    logEvent(this.log, event);
    this.hub.emit(event);
  };

  async start(): Promise<Node> {
    const { options, container } = this;
    const home = await Home.open(options.home);
    const clusterKey = options.clusterKey ?? (await home.clusterKey());
    const lasting = options.identity === 'lasting';
    const name = options.name ?? hostname();
    const listen = (options.listen ?? [loopback]).map(parseAddress);

    let host: ControlHost | undefined;
    const self = (): messages.Hello.$Properties => ({
      protocolVersion: controlProtocolVersion,
      softwareVersion: softwareVersion(),
      nodeId: host?.nodeId ?? '',
      nodeName: name,
      addresses: [...(host?.addresses ?? [])],
    });
    const handlers: { current: ControlHandlers } = { current: {} };
    const peers: Peers = new Peers({
      self,
      handlers: lateBound(() => handlers.current),
      observer: {
        joined: (peer) => {
          this.emit({ kind: 'node-joined', nodeId: peer.nodeId, nodeName: peer.nodeName });
          this.introduce(peers, peer);
        },
        left: (peer, reason) => this.peerLeft(peer, reason),
        refused: (refusal) => this.emit({ kind: 'node-refused', ...refusal }),
      },
    });
    const identity = lasting ? await home.identity(createIdentity) : undefined;

    // The local socket first: it shows whether another process has this home's identity already.
    // Programs that come before the node is ready wait for it.
    let ready: (service: NodeService) => void = () => undefined;
    const whenReady = new Promise<NodeService>((resolve) => {
      ready = resolve;
    });
    if (options.localSocket ?? lasting) {
      const local = await listenLocal(home.directory, (channel) => {
        const connection: RpcConnection = new RpcConnection(
          channel,
          whenReady.then((service) => clientHandlers(service, self, (admitted) => connection.serve(admitted))),
        );
      });
      container.onClose('local socket', () => local.close());
    }

    host = await startControlHost({
      identity,
      clusterKey,
      listen,
      onChannel: (peerId, channel) => peers.accept(peerId, channel),
    });
    const started = host;
    container.onClose('control plane', () => started.stop());
    container.onClose('peers', () => peers.stop());

    const settings: NodeSettings = {
      nodeId: host.nodeId,
      nodeName: name,
      softwareVersion: softwareVersion(),
      machineId: await machineId(),
      offersDevices: options.devices ?? true,
      modelLibraries: [...(options.modelLibraries ?? []), home.modelsDirectory],
      dataAddress: options.dataAddress ?? dataAddressFor(listen),
    };
    this.register(settings, peers);
    const members = container.resolve(nodeTokens.members);
    container.onClose('workers', () => members.stop());
    const listNodes = () => nodeList(settings, started.addresses, peers);
    handlers.current = peerHandlers({
      describer: container.resolve(nodeTokens.describer),
      instances: container.resolve(nodeTokens.instances),
      members,
      log: this.log,
      listNodes,
    });
    const service = this.service(settings, peers, listNodes);
    container.onClose('observers', () => {
      this.lifetime.abort(new ShoalError('CLUSTER_CLOSED', 'the node was closed'));
      this.hub.close();
    });
    this.connectInstances();
    peers.start(host);
    this.discover(peers, started, clusterTag(clusterKey));
    await this.settle(peers);
    this.log.write('info', 'node', `${name} is up`, { nodeId: host.nodeId, addresses: host.addresses });
    ready(service);
    return {
      nodeId: host.nodeId,
      name,
      home: home.directory,
      get addresses() {
        return started.addresses;
      },
      service,
      close: () => container.close(),
      [Symbol.asyncDispose]: () => container.close(),
    };
  }

  private register(settings: NodeSettings, peers: Peers): void {
    const { container } = this;
    container.registerValue(tokens.plugins, this.options.plugins);
    const log: PluginContext['log'] = (level, message, fields) => this.log.write(level, 'node', message, fields);
    container.registerValue(tokens.log, log);
    container.registerValue(nodeTokens.log, this.log);
    container.registerValue(nodeTokens.settings, settings);
    container.registerValue(nodeTokens.emit, this.emit);
    container.registerValue(nodeTokens.peers, peers);
    container.registerClass(nodeTokens.describer, NodeDescriber);
    container.registerClass(nodeTokens.instances, Instances);
    container.registerClass(nodeTokens.members, LocalMembers);
    container.registerClass(nodeTokens.surveyor, Surveyor);
    container.registerClass(nodeTokens.coordinator, Coordinator);
    container.registerClass(nodeTokens.ingress, Ingress);
  }

  /** What this node finds out about an instance, the instance's other nodes are told. */
  private connectInstances(): void {
    const coordinator = this.container.resolve(nodeTokens.coordinator);
    this.container.resolve(nodeTokens.instances).onFailed({
      failed: (record, error, evidence) => {
        if (evidence !== 'reported') void coordinator.reportFailure(record.id, error);
      },
    });
  }

  private peerLeft(peer: Peer, reason: ShoalError): void {
    const { nodeId, nodeName } = peer;
    this.emit({ kind: 'node-left', nodeId, nodeName, reason: reason.message });
    if (this.lifetime.signal.aborted || !this.container.has(nodeTokens.instances)) return;
    const instances = this.container.resolve(nodeTokens.instances);
    const error = new ShoalError('NODE_LOST', `node ${nodeName} left: ${reason.message}`, {
      cause: reason,
      details: { nodeId, nodeName },
    });
    for (const record of instances.list()) {
      const isMember = record.plan.stages.some(({ members }) => members.some((member) => member.nodeId === nodeId));
      const ownsIt = record.state === 'loading' && record.coordinatorId === nodeId;
      if (nodesOf(record).has(nodeId) && (isMember || ownsIt)) instances.fail(record.id, error, 'first-hand');
    }
  }

  /** A new peer knows others: with a few addresses given, everybody meets everybody. */
  private introduce(peers: Peers, peer: Peer): void {
    const asking = peer.connection
      .call('listNodes', {}, { deadlineMilliseconds: peerListDeadlineMilliseconds })
      .then(({ nodesJson }) => {
        const nodes = parseDocument<NodeSummary[]>(nodesJson, `the node list of ${peer.nodeName}`);
        for (const { nodeId, addresses, state } of nodes.slice(0, maximumIntroductions)) {
          if (state !== 'connected' && state !== 'stalled') continue;
          if (typeof nodeId !== 'string' || !Array.isArray(addresses) || peers.get(nodeId)) continue;
          peers.sighted({ kind: 'seen', peerId: nodeId, addresses: addresses.map(String), seenBy: peer.nodeName });
        }
      })
      // A peer that does not say whom it knows is a peer all the same.
      .catch(() => undefined)
      .finally(() => this.introductions.delete(asking));
    this.introductions.add(asking);
  }

  private discover(peers: Peers, host: ControlHost, tag: string): void {
    const { signal } = this.lifetime;
    for (const address of (this.options.peers ?? []).map(parseAddress)) {
      const peerId = /\/p2p\/([^/]+)/.exec(address)?.[1];
      peers.sighted({
        kind: 'seen',
        addresses: [address],
        seenBy: 'configuration',
        ...(peerId === undefined ? {} : { peerId }),
      });
    }
    for (const { name, host: discovery } of this.options.plugins.of('discovery')) {
      const failed = (thrown: unknown) => {
        if (!signal.aborted) this.log.write('warn', 'discovery', `${name} failed: ${String(thrown)}`);
      };
      const watch = async () => {
        for await (const sighting of discovery.watch(signal)) {
          if (isOwnSighting(sighting, tag)) peers.sighted(sighting);
          else this.log.write('debug', 'discovery', `${name}: a sighting was passed over`, { sighting });
        }
      };
      void watch().catch(failed);
      void discovery
        .announce({ peerId: host.nodeId, addresses: host.addresses, clusterTag: tag }, signal)
        .catch(failed);
    }
  }

  /** Waits for the peers that are known at the start, and for those that they know. */
  private async settle(peers: Peers): Promise<void> {
    const deadline = AbortSignal.timeout(settleDeadlineMilliseconds);
    const signal = this.options.signal ? AbortSignal.any([this.options.signal, deadline]) : deadline;
    // Discovery by configuration speaks up in the first turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 5));
    try {
      do {
        await peers.settled({ signal });
        await Promise.all(this.introductions);
      } while (this.introductions.size > 0);
      await peers.settled({ signal });
    } catch (thrown) {
      if (!deadline.aborted) throw ShoalError.from(thrown, 'ABORTED');
      // Some peer is slow to refuse; it may still join later.
    }
    this.options.signal?.throwIfAborted();
  }

  private service(settings: NodeSettings, peers: Peers, listNodes: () => readonly NodeSummary[]): NodeService {
    const coordinator = this.container.resolve(nodeTokens.coordinator);
    const ingress = this.container.resolve(nodeTokens.ingress);
    const { signal: lifetime } = this.lifetime;
    const during = (signal: AbortSignal | undefined) => (signal ? AbortSignal.any([signal, lifetime]) : lifetime);
    return {
      nodeId: settings.nodeId,
      nodes: async () => listNodes(),
      instances: (signal) => ingress.list(signal),
      load: (model, options, { signal, onProgress } = {}) =>
        coordinator.load(model, options, onProgress ?? (() => undefined), during(signal)),
      async unload(instance, signal) {
        const all = await ingress.list(signal);
        const summary = all.find((one) => one.instance === instance);
        if (!summary) throw new ShoalError('INSTANCE_NOT_FOUND', `no instance ${instance} is loaded`);
        await coordinator.unload(summary);
      },
      explain: (model, options, signal) => coordinator.explain(model, options, during(signal)),
      generate: (instance, order, signal) => ingress.generate(instance, order, during(signal)),
      statistics: (instance, signal) => ingress.statistics(instance, during(signal)),
      logs: (request, signal) => logsOf({ log: this.log, peers, settings }, request, during(signal)),
      watch: (signal) => this.hub.watch(during(signal)),
    };
  }
}

/** The peers are made before the parts that answer them. */
function lateBound(current: () => ControlHandlers): ControlHandlers {
  return new Proxy<ControlHandlers>({}, { get: (_target, method) => current()[method as keyof ControlHandlers] });
}

function nodeList(settings: NodeSettings, addresses: readonly string[], peers: Peers): NodeSummary[] {
  const { nodeId, nodeName } = settings;
  return [
    { nodeId, nodeName, softwareVersion: settings.softwareVersion, addresses, state: 'self' },
    ...peers.list().map(
      (peer): NodeSummary => ({
        nodeId: peer.nodeId,
        nodeName: peer.nodeName,
        softwareVersion: peer.softwareVersion,
        addresses: peer.addresses,
        state: peer.stalled ? 'stalled' : 'connected',
      }),
    ),
    ...peers.refused().map(
      ({ address, code, message }): NodeSummary => ({
        nodeId: '',
        nodeName: '',
        softwareVersion: '',
        addresses: [address],
        state: 'refused',
        code,
        message,
      }),
    ),
  ];
}

/**
 * Workers listen where their node does. A node on all interfaces gives the first address that others can reach; with
 * several networks, configuration says which.
 */
function dataAddressFor(listen: readonly string[]): string {
  const hosts = listen.flatMap((address) => /^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? []);
  const outside = hosts.find((host) => !host.startsWith('127.') && host !== '::1');
  if (outside === undefined) return '127.0.0.1';
  if (outside !== '0.0.0.0' && outside !== '::') return outside;
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  return external?.address ?? '127.0.0.1';
}

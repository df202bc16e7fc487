/** A node: its parts, put together and started in order. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { parseAddress } from '../control/addresses.js';
import { type ControlHost, createIdentity, startControlHost } from '../control/libp2p-host.js';
import { listenLocal } from '../control/local-socket.js';
import type { messages } from '../control/messages.js';
import { type Peer, Peers } from '../control/peers.js';
import { Pulses } from '../control/pulse/pulses.js';
import { type ControlHandlers, RpcConnection } from '../control/rpc.js';
import { controlRank } from '../links/control-order.js';
import { Interfaces } from '../links/interfaces.js';
import { MachineMonitor } from '../machine/monitor.js';
import { ClusterContainer } from '../runtime/container.js';
import { tokens } from '../runtime/tokens.js';
import { ShoalError } from '../spec/errors.js';
import type { ClusterEvent } from '../spec/events.js';
import type { PluginContext } from '../spec/plugin.js';
import { controlProtocolVersion } from '../spec/version.js';
import { Agreement } from './agreement.js';
import { type NodeApi, startApis } from './apis.js';
import { Caretaker } from './caretaker.js';
import { clientHandlers } from './client-handlers.js';
import { withCodedErrors } from './coded-errors.js';
import { Coordinator } from './coordinator.js';
import { dataAddresses } from './data-address.js';
import { openDecisionFile } from './decision-file.js';
import { DeviceRates } from './device-rates.js';
import { EventHub } from './event-hub.js';
import { machineId, type NodeSummary } from './facts.js';
import { clusterTag, Home } from './home.js';
import { Ingress } from './ingress.js';
import { Instances, nodesOf } from './instances.js';
import { LocalMembers } from './local-members.js';
import { NodeLog } from './log.js';
import { logEvent, logsOf } from './log-service.js';
import { Meeting } from './meeting.js';
import { NodeDescriber } from './node-describer.js';
import { NodeLinks } from './node-links.js';
import { nodeList, withoutNodes } from './node-list.js';
import type { NodeOptions } from './node-options.js';
import { Operations, type SelfOperations } from './operations.js';
import { peerHandlers } from './peer-handlers.js';
import { clusterReadiness } from './readiness.js';
import { Relocation } from './relocation.js';
import { Replanning } from './replanning.js';
import type { NodeService } from './service.js';
import type { NodeSettings } from './settings.js';
import { softwareVersion } from './software-version.js';
import { currentOf } from './successors.js';
import { Surveyor } from './survey.js';
import { nodeTokens } from './tokens.js';
import { clusterTopology } from './topology-service.js';
import { conditionsOf } from './what-if.js';

export type { NodeOptions } from './node-options.js';

export interface Node extends AsyncDisposable {
  readonly nodeId: string;
  readonly name: string;
  readonly home: string;
  /** Where other nodes reach it. */
  readonly addresses: readonly string[];
  readonly service: NodeService;
  readonly apis: readonly NodeApi[];
  /** Leaves the cluster and frees everything; idempotent. */
  close(): Promise<void>;
}

/** In which the answer to who told it to leave gets out. */
const farewellMilliseconds = 100;

const loopback = '/ip4/127.0.0.1/tcp/0';

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
  private readonly log: NodeLog;
  private readonly meeting: Meeting;
  /** There before the first peer can be admitted. */
  private agreement: Agreement | undefined;
  private coordinator: Coordinator | undefined;
  private replanner: Replanning | undefined;
  private settings: NodeSettings | undefined;

  private links: NodeLinks | undefined;

  constructor(
    private readonly options: NodeOptions,
    private readonly container: ClusterContainer,
  ) {
    this.log = options.log ?? new NodeLog();
    this.meeting = new Meeting(this.log);
  }

  /** Observers hear of it, and it is written down. */
  private readonly emit = (event: ClusterEvent): void => {
    logEvent(this.log, event);
    this.hub.emit(event);
    if (event.kind === 'node-joined' || event.kind === 'node-left' || event.kind === 'node-lost')
      this.replanner?.nudge();
  };

  async start(): Promise<Node> {
    const { options, container } = this;
    const home = await Home.open(options.home);
    const clusterKey = options.clusterKey ?? (await home.clusterKey());
    const lasting = options.identity === 'lasting';
    const name = options.name ?? (lasting ? await home.nodeName() : undefined) ?? hostname();
    const listen = (options.listen ?? [loopback]).map(parseAddress);

    const incarnation = randomBytes(8).toString('hex');

    let host: ControlHost | undefined;
    const self = (): messages.Hello.$Properties => ({
      protocolVersion: controlProtocolVersion,
      softwareVersion: softwareVersion(),
      nodeId: host?.nodeId ?? '',
      nodeName: this.settings?.nodeName ?? name,
      addresses: [...(host?.addresses ?? [])],
      incarnation,
      pulsePort: pulses.port ?? 0,
    });
    const handlers: { current: ControlHandlers } = { current: {} };
    const pulses = new Pulses({
      clusterKey,
      changed: (nodeId) => peers.pulseChanged(nodeId),
      returned: (nodeId) => peers.pulseReturned(nodeId),
      problem: (message) => this.log.write('warn', 'node', message),
    });
    const peers: Peers = new Peers({
      self,
      handlers: lateBound(() => handlers.current),
      observer: {
        joined: (peer) => {
          this.emit({ kind: 'node-joined', nodeId: peer.nodeId, nodeName: peer.nodeName });
          this.meeting.introduce(peers, peer);
          this.links?.joined();
          this.agreement?.connected(peer.nodeId);
          this.coordinator?.nodeJoined(peer.nodeId);
        },
        left: (peer) => this.peerLeft(peer),
        lost: (peer, reason) => this.peerLost(peer, reason),
        refused: ({ address, code, message }) => this.emit({ kind: 'node-refused', address, code, message }),
        unreachable: ({ addresses, code, message }) =>
          this.emit({ kind: 'node-unreachable', addresses, code, message }),
      },
      pulses,
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

    const interfaces = new Interfaces();
    void interfaces.read();
    host = await startControlHost({
      identity,
      clusterKey,
      listen,
      onChannel: (peerId, channel) => peers.accept(peerId, channel),
      addressRank: (multiaddress) => controlRank(interfaces.current, multiaddress),
      onStranger: (address) => peers.metStranger(address),
      services: await this.meeting.hostServices(options.plugins),
    });
    const started = host;
    container.onClose('control plane', () => started.stop());
    container.onClose('peers', () => peers.stop());
    await pulses.start({ nodeId: host.nodeId, incarnation }, listen, host.addresses);
    container.onClose('pulses', () => pulses.stop());

    const settings: NodeSettings = {
      nodeId: host.nodeId,
      nodeName: name,
      softwareVersion: softwareVersion(),
      machineId: await machineId(),
      home: home.directory,
      offersDevices: options.devices ?? true,
      stands: options.stands ?? lasting,
      modelLibraries: [home.modelsDirectory, ...(options.modelLibraries ?? [])],
    };
    const configured = [options.dataAddress ?? []].flat();
    const links = new NodeLinks({
      self: settings,
      clusterKey,
      peers,
      interfaces,
      isServing: () =>
        container
          .resolve(nodeTokens.instances)
          .list()
          .some(({ state }) => state === 'ready'),
      dataAddresses: (found) => dataAddresses(listen, configured, found),
    });
    this.links = links;
    this.settings = settings;
    container.onClose('links', () => links.stop());
    container.registerValue(nodeTokens.links, links);
    const warn = (message: string) => this.log.write('warn', 'cluster', message);
    const kept = lasting ? await openDecisionFile(home.directory, clusterTag(clusterKey), warn) : {};
    container.registerValue(nodeTokens.keptDecisions, kept);
    this.register(settings, peers);
    container.registerValue(nodeTokens.selfOperations, this.selfOperations(settings, home));
    const members = container.resolve(nodeTokens.members);
    container.onClose('workers', () => members.stop());
    // Before its workers end, or others would take them for lost.
    container.onClose('goodbye', () => peers.sayGoodbye());
    const agreement = container.resolve(nodeTokens.agreement);
    this.agreement = agreement;
    container.onClose('agreement', () => agreement.stop());
    const caretaker = container.resolve(nodeTokens.caretaker);
    container.onClose('caretaker', () => caretaker.stop());
    const listNodes = () => nodeList(settings, started.addresses, peers, agreement.cluster());
    handlers.current = peerHandlers({
      describer: container.resolve(nodeTokens.describer),
      instances: container.resolve(nodeTokens.instances),
      members,
      agreement,
      operations: container.resolve(nodeTokens.operations),
      log: this.log,
      links,
      listNodes,
    });
    const service = this.service(settings, peers, listNodes);
    container.onClose('observers', () => {
      this.lifetime.abort(new ShoalError('CLUSTER_CLOSED', 'the node was closed'));
      this.hub.close();
    });
    this.connectInstances();
    const replanner = container.resolve(nodeTokens.replanner);
    this.replanner = replanner;
    container.onClose('replanning', async () => replanner.close());
    agreement.start();
    caretaker.start();
    peers.start(host);
    this.meeting.configure(peers, options.peers ?? []);
    const announcement = { peerId: host.nodeId, addresses: host.addresses, clusterTag: clusterTag(clusterKey) };
    this.meeting.discover(peers, options.plugins, announcement, this.lifetime.signal);
    // The system may take its time to describe its interfaces.
    void links.start();
    await this.meeting.settle(peers, options.signal);
    this.log.write('info', 'node', `${name} is up`, { nodeId: host.nodeId, addresses: host.addresses });
    ready(service);
    const apis = await this.startApis(service, settings, clusterKey);
    return {
      nodeId: host.nodeId,
      get name() {
        return settings.nodeName;
      },
      home: home.directory,
      get addresses() {
        return started.addresses;
      },
      service,
      apis,
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
    const machine = new MachineMonitor({
      source: this.options.machine,
      ownProcessIds: () => container.resolve(nodeTokens.members).processIds(),
    });
    container.registerValue(nodeTokens.machine, machine);
    const rates = new DeviceRates({
      home: settings.home,
      plugins: this.options.plugins,
      machine: this.options.machine,
      log: (level, message) => this.log.write(level, 'node', message),
      busyReason: () => (container.resolve(nodeTokens.members).isEmpty ? undefined : 'models run on this node'),
    });
    container.registerValue(nodeTokens.rates, rates);
    container.onClose('machine', () => machine.stop());
    container.registerClass(nodeTokens.describer, NodeDescriber);
    container.registerClass(nodeTokens.instances, Instances);
    container.registerClass(nodeTokens.agreement, Agreement);
    container.registerClass(nodeTokens.members, LocalMembers);
    container.registerClass(nodeTokens.surveyor, Surveyor);
    container.registerClass(nodeTokens.coordinator, Coordinator);
    container.registerClass(nodeTokens.ingress, Ingress);
    container.registerClass(nodeTokens.relocation, Relocation);
    container.registerClass(nodeTokens.operations, Operations);
    container.registerClass(nodeTokens.caretaker, Caretaker);
    container.registerValue(nodeTokens.replanning, this.options.replanning ?? {});
    container.registerClass(nodeTokens.replanner, Replanning);
    machine.start();
  }

  private selfOperations(settings: NodeSettings, home: Home): SelfOperations {
    return {
      rename: async (name) => {
        if (this.options.identity === 'lasting') await home.setNodeName(name);
        settings.nodeName = name;
      },
      leave: () => {
        const { nodeId, nodeName } = settings;
        this.log.write('info', 'node', `${nodeName} was told to leave`);
        this.emit({ kind: 'node-leaving', nodeId, nodeName });
        setTimeout(() => void this.container.close().catch(() => undefined), farewellMilliseconds);
      },
    };
  }

  /** What this node finds out about an instance, the instance's other nodes are told. */
  private connectInstances(): void {
    const coordinator = this.container.resolve(nodeTokens.coordinator);
    this.coordinator = coordinator;
    this.container.resolve(nodeTokens.instances).onFailed({
      failed: (record, error, evidence) => {
        if (evidence !== 'reported') void coordinator.reportFailure(record.id, error);
      },
    });
  }

  private peerLeft(peer: Peer): void {
    const { nodeId, nodeName } = peer;
    this.emit({ kind: 'node-left', nodeId, nodeName });
    this.forgetNode(nodeId, new ShoalError('NODE_LOST', `node ${nodeName} left`, { details: { nodeId, nodeName } }));
  }

  private peerLost(peer: Peer, reason: ShoalError): void {
    const { nodeId, nodeName } = peer;
    this.emit({ kind: 'node-lost', nodeId, nodeName, code: reason.code, reason: reason.message });
    const message = `node ${nodeName} was lost: ${reason.message}`;
    this.forgetNode(nodeId, new ShoalError('NODE_LOST', message, { cause: reason, details: { nodeId, nodeName } }));
  }

  /** What a node that is gone had a part in cannot go on. */
  private forgetNode(nodeId: string, error: ShoalError): void {
    this.links?.left(nodeId);
    this.agreement?.disconnected(nodeId);
    if (this.lifetime.signal.aborted || !this.container.has(nodeTokens.instances)) return;
    const instances = this.container.resolve(nodeTokens.instances);
    for (const record of instances.list()) {
      const isMember = record.plan.stages.some(({ members }) => members.some((member) => member.nodeId === nodeId));
      const ownsIt = record.state === 'loading' && record.coordinatorId === nodeId;
      if (nodesOf(record).has(nodeId) && (isMember || ownsIt)) instances.fail(record.id, error, 'first-hand');
    }
  }

  private async startApis(
    service: NodeService,
    { nodeName, softwareVersion }: NodeSettings,
    clusterKey: Uint8Array,
  ): Promise<readonly NodeApi[]> {
    const { plugins, apis = this.options.identity === 'lasting' ? {} : false } = this.options;
    if (apis === false) return [];
    const log: PluginContext['log'] = (level, message, fields) => this.log.write(level, 'api', message, fields);
    const parts = { plugins, service, nodeName, softwareVersion, clusterKey, log };
    const started = await startApis(parts, apis, this.lifetime.signal);
    this.container.onClose('APIs', () => started.close());
    return started.list;
  }

  private service(settings: NodeSettings, peers: Peers, listNodes: () => readonly NodeSummary[]): NodeService {
    const { container } = this;
    const coordinator = container.resolve(nodeTokens.coordinator);
    const ingress = container.resolve(nodeTokens.ingress);
    const relocation = container.resolve(nodeTokens.relocation);
    const operations = container.resolve(nodeTokens.operations);
    const agreement = container.resolve(nodeTokens.agreement);
    const { signal: lifetime } = this.lifetime;
    const during = (signal: AbortSignal | undefined) => (signal ? AbortSignal.any([signal, lifetime]) : lifetime);
    return withCodedErrors({
      nodeId: settings.nodeId,
      nodes: async () => listNodes(),
      state: async () => agreement.cluster(),
      operate: (operation, signal) => operations.operate(operation, during(signal)),
      instances: (signal) => ingress.list(signal),
      load: (model, options, { signal, onProgress } = {}) =>
        coordinator.load(model, options, onProgress ?? (() => undefined), during(signal)),
      async unload(instance, signal) {
        const all = await ingress.list(signal);
        const summary = currentOf(all, instance);
        if (!summary) throw new ShoalError('INSTANCE_NOT_FOUND', `no instance ${instance} is loaded`);
        // Else the cluster would load it again.
        const wish = summary.options?.wish;
        if (wish !== undefined) await agreement.submit({ kind: 'drop-model', wish }, { signal });
        await coordinator.unload(summary);
      },
      move: (instance, { without = [], ...request }, signal) =>
        relocation.move(instance, {
          ...request,
          without: withoutNodes(listNodes(), without),
          signal: during(signal),
        }),
      explain: async (model, options, signal, whatIf = {}) =>
        coordinator.explain(
          model,
          options,
          during(signal),
          conditionsOf(whatIf, listNodes(), whatIf.unloaded === undefined ? [] : await ingress.list(signal)),
        ),
      generate: (instance, order, signal) => ingress.generate(instance, order, during(signal)),
      statistics: (instance, signal) => ingress.statistics(instance, during(signal)),
      readiness: (model, signal, how) => {
        const describer = container.resolve(nodeTokens.describer);
        return clusterReadiness({ self: settings, peers, describer, listNodes }, model, during(signal), how);
      },
      topology: ({ fresh, signal } = {}) => {
        const [describer, links] = [container.resolve(nodeTokens.describer), container.resolve(nodeTokens.links)];
        return clusterTopology({ settings, peers, describer, links }, fresh ?? false, during(signal));
      },
      logs: (request, signal) => logsOf({ log: this.log, peers, settings }, request, during(signal)),
      watch: (signal) => this.hub.watch(during(signal)),
    });
  }
}

/** The peers are made before the parts that answer them. */
function lateBound(current: () => ControlHandlers): ControlHandlers {
  return new Proxy<ControlHandlers>({}, { get: (_target, method) => current()[method as keyof ControlHandlers] });
}

import type { Peers } from '../control/peers.js';
import type { MachineMonitor } from '../machine/monitor.js';
import { type Token, token } from '../runtime/tokens.js';
import type { ClusterEvent } from '../spec/events.js';
import type { Agreement } from './agreement.js';
import type { Caretaker } from './caretaker.js';
import type { Coordinator } from './coordinator.js';
import type { KeptDecisions } from './decision-file.js';
import type { DeviceRates } from './device-rates.js';
import type { Ingress } from './ingress.js';
import type { Instances } from './instances.js';
import type { LocalMembers } from './local-members.js';
import type { NodeLog } from './log.js';
import type { NodeDescriber } from './node-describer.js';
import type { NodeLinks } from './node-links.js';
import type { Operations, SelfOperations } from './operations.js';
import type { Relocation } from './relocation.js';
import type { Replanning, ReplanningOptions } from './replanning.js';
import type { NodeSettings } from './settings.js';
import type { Surveyor } from './survey.js';

/** Parts of a node, as its cluster's container holds them. */
export const nodeTokens: {
  readonly settings: Token<NodeSettings>;
  readonly emit: Token<(event: ClusterEvent) => void>;
  readonly log: Token<NodeLog>;
  readonly peers: Token<Peers>;
  readonly machine: Token<MachineMonitor>;
  readonly rates: Token<DeviceRates>;
  readonly describer: Token<NodeDescriber>;
  readonly links: Token<NodeLinks>;
  readonly instances: Token<Instances>;
  readonly keptDecisions: Token<KeptDecisions>;
  readonly agreement: Token<Agreement>;
  readonly selfOperations: Token<SelfOperations>;
  readonly operations: Token<Operations>;
  readonly caretaker: Token<Caretaker>;
  readonly members: Token<LocalMembers>;
  readonly surveyor: Token<Surveyor>;
  readonly coordinator: Token<Coordinator>;
  readonly ingress: Token<Ingress>;
  readonly relocation: Token<Relocation>;
  readonly replanning: Token<ReplanningOptions>;
  readonly replanner: Token<Replanning>;
} = {
  settings: token('node.settings'),
  emit: token('node.emit'),
  log: token('node.log'),
  peers: token('node.peers'),
  machine: token('node.machine'),
  rates: token('node.rates'),
  describer: token('node.describer'),
  links: token('node.links'),
  instances: token('node.instances'),
  keptDecisions: token('node.kept-decisions'),
  agreement: token('node.agreement'),
  selfOperations: token('node.self-operations'),
  operations: token('node.operations'),
  caretaker: token('node.caretaker'),
  members: token('node.members'),
  surveyor: token('node.surveyor'),
  coordinator: token('node.coordinator'),
  ingress: token('node.ingress'),
  relocation: token('node.relocation'),
  replanning: token('node.replanning'),
  replanner: token('node.replanner'),
};

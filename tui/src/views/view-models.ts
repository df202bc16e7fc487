/** What the seven screens show. Made by the functions beside this file; drawn by whoever likes to. */
import type { Badge, Bar, Cell, Fact, Series, StackedBar, Table, Tone } from './blocks.js';

/** What every screen has at its top: whose cluster, whether it is attached, what stands out. */
export interface HeaderView {
  readonly facts: readonly Fact[];
  /** One line that must be read: the connection is lost, a node is down. Absent: all is well. */
  readonly alert?: Cell;
}

/** 1: a map of the cluster. */
export interface TopologyView {
  readonly summary: readonly Fact[];
  /** Of all that is there: how much is used. */
  readonly memory: Bar;
  readonly layout: 'ring' | 'grid';
  readonly vertices: readonly TopologyVertex[];
  readonly edges: readonly TopologyEdge[];
  /** Whoever has no part in anything, and why. */
  readonly leftOut: Table;
  readonly links: Table;
  /** Tried in vain, with why. */
  readonly failedLinks: Table;
  /** Of the selected vertex. */
  readonly details: readonly Fact[];
}

export interface TopologyVertex {
  /** A node's id, or `group:…`. */
  readonly id: string;
  readonly label: string;
  /** Nodes that it stands for: 1, or more for a group. */
  readonly nodeCount: number;
  /** Of its middle, from the left and from the top: 0 to 1. */
  readonly x: number;
  readonly y: number;
  readonly tone: Tone;
  readonly badges: readonly Badge[];
  /** `cuda, cpu` */
  readonly backends: Cell;
  readonly memory: Bar;
  /** Layers that it holds, of the instance that is drawn. */
  readonly share: Bar;
  readonly isSelected: boolean;
}

export interface TopologyEdge {
  /** Ids of vertices. */
  readonly from: string;
  readonly to: string;
  /** `ethernet 0.21 ms 118 MB/s` */
  readonly text: string;
  readonly tone: Tone;
  /** Activations of the instance that is drawn go over it. */
  readonly isOnPath: boolean;
}

/** 2: what runs, and where time goes. */
export interface RequestsView {
  readonly summary: readonly Fact[];
  readonly instances: readonly InstanceRequestsView[];
  readonly requests: Table;
  /** Of the selected request: where each of its tokens' time went, member by member. */
  readonly hops: readonly StackedBar[];
  readonly details: readonly Fact[];
}

export interface InstanceRequestsView {
  readonly instance: string;
  readonly title: Cell;
  readonly facts: readonly Fact[];
  readonly series: readonly Series[];
  readonly hops: readonly StackedBar[];
}

/** 3: one machine. */
export interface NodeView {
  readonly nodes: Table;
  readonly title: Cell;
  readonly badges: readonly Badge[];
  readonly facts: readonly Fact[];
  readonly bars: readonly Bar[];
  readonly series: readonly Series[];
  readonly devices: Table;
  readonly shares: Table;
}

/** 4: a conversation. */
export interface ChatView {
  readonly title: Cell;
  /** What can answer. */
  readonly models: Table;
  readonly messages: readonly ChatMessageView[];
  readonly status: Cell;
  /** An answer is on its way, which can be stopped. */
  readonly canStop: boolean;
  readonly canAsk: boolean;
}

export interface ChatMessageView {
  readonly id: string;
  readonly role: 'user' | 'assistant' | 'system';
  readonly heading: Cell;
  readonly reasoning: string;
  /** With its line breaks; to be wrapped by the drawing. */
  readonly text: string;
  readonly footer: Cell;
}

/** 5: models, and where they fit. */
export interface ModelsView {
  readonly summary: readonly Fact[];
  readonly models: Table;
  /** Of what is being loaded. */
  readonly loading: readonly Bar[];
  /** Of the selected model. */
  readonly details: readonly Fact[];
  readonly fits: Table;
}

/** 6: what happens. */
export interface EventsView {
  readonly summary: readonly Fact[];
  readonly events: Table;
}

/** 7: who computes what and why, and whether it came as predicted. */
export interface PlanView {
  /** Loaded instances, and questions that were asked of `explain`. */
  readonly plans: Table;
  readonly title: Cell;
  readonly facts: readonly Fact[];
  /** Predicted beside measured. */
  readonly comparison: Table;
  readonly stages: Table;
  readonly why: readonly Cell[];
  readonly leftOut: Table;
  readonly considered: Table;
  /** What would be without a node, or with one more. */
  readonly whatIf: Table;
}

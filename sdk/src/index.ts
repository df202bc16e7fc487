export {
  type ApiSettings,
  type ChatMessage,
  type ClusterEvent,
  type ClusterInstance,
  type ClusterLeader,
  type ClusterNode,
  type ClusterState,
  type ClusterTopology,
  type Constraint,
  type ExplainedToken,
  type InstanceSummary,
  type Link,
  type LinkKind,
  type LoadProgress,
  type LogRecord,
  type LogRequest,
  linksBetween,
  type MemberReport,
  type MemberStatistics,
  type NodeApi,
  type NodeSummary,
  type Plan,
  type PlanRefusal,
  type PluginReference,
  type PluginSource,
  ShoalError,
  type StorageChoice,
  type TokenProbability,
  type ToolCall,
  type ToolCallPart,
  type ToolChoice,
  type ToolDefinition,
  topologyGraph,
} from '@shoal/core';
export * from './attach.js';
export * from './background-node.js';
export * from './bench.js';
export * from './cluster.js';
export * from './create-cluster.js';
export type { DashboardFormat, DashboardModule, DashboardOptions } from './dashboard.js';
export type { Finding } from './doctor/finding.js';
export * from './generation.js';
export type { ChatOptions, GenerationOptions } from './generation-options.js';
export type * from './language-model/specification.js';
export * from './loaded-model.js';
export * from './local-nodes.js';
export type { DeviceReport, MachineReport } from './machines.js';
export { commonStorageTypes, type MeasureDevicesOptions, measureDevices } from './measure-devices.js';
export * from './model-library.js';
export * from './quantize-model.js';
export * from './run-cluster-doctor.js';
export * from './run-doctor.js';

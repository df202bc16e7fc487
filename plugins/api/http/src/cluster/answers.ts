/** What the cluster's own paths answer with, for the description of the API. `core/src/node/service.ts` says what it means. */
import { Type } from 'typebox';

const text = Type.String();
const count = Type.Integer({ minimum: 0 });
const anyObject = Type.Record(text, Type.Unknown());
const many = Type.Array(anyObject);

const plan = Type.Object({
  modelName: text,
  modelDigest: text,
  contextLength: count,
  slotCount: count,
  stages: Type.Array(
    Type.Object({
      layers: Type.Array(count, { minItems: 2, maxItems: 2 }),
      members: Type.Array(
        Type.Object({
          nodeId: text,
          nodeName: text,
          backend: text,
          deviceId: text,
          share: Type.Number(),
          weightBytes: count,
          stateBytes: count,
        }),
      ),
    }),
  ),
  reasons: Type.Array(text),
  leftOut: Type.Array(Type.Object({ nodeName: text, deviceId: text, reason: text })),
});

export const instanceAnswer = Type.Object({
  instance: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  epoch: count,
  state: Type.Enum(['loading', 'ready', 'failed', 'unloaded']),
  model: text,
  plan,
});

export const clusterAnswer = Type.Object({
  node: Type.Object({ nodeId: text, nodeName: text, softwareVersion: text }),
  nodes: Type.Array(
    Type.Object({
      nodeId: text,
      nodeName: text,
      softwareVersion: text,
      addresses: Type.Array(text),
      state: Type.Enum(['self', 'connected', 'stalled', 'unreachable', 'refused']),
    }),
  ),
  instances: Type.Array(instanceAnswer),
  state: Type.Object({ leader: anyObject, nodes: many, instances: many, wishes: many }),
});

export const topologyAnswer = Type.Object({
  nodes: Type.Array(Type.Object({ nodeId: text, nodeName: text, interfaces: many, devices: many })),
  links: Type.Array(
    Type.Object({
      from: anyObject,
      to: anyObject,
      kind: text,
      latencyMicroseconds: anyObject,
      bandwidthBytesPerSecond: anyObject,
    }),
  ),
  failures: many,
});

export const machinesAnswer = Type.Object({
  nodes: Type.Array(
    Type.Object({
      nodeId: text,
      nodeName: text,
      silent: Type.Optional(text),
      machineId: Type.Optional(text),
      processor: Type.Optional(anyObject),
      memory: Type.Optional(anyObject),
      conditions: Type.Optional(anyObject),
      devices: Type.Optional(Type.Array(Type.Object({ backend: text, properties: anyObject }))),
    }),
  ),
});

export const explainAnswer = Type.Object({
  outcome: Type.Union([
    Type.Object({ plan }),
    Type.Object({ refusal: Type.Object({ code: text, message: text, reasons: Type.Array(text) }) }),
  ]),
  text,
  programs: Type.Array(text),
});

/** Instances that did not answer are not there. */
export const allStatisticsAnswer = Type.Object({
  instances: Type.Array(Type.Object({ instance: text, members: many })),
});

export const statisticsAnswer = Type.Array(
  Type.Object({
    stage: count,
    member: count,
    nodeId: text,
    nodeName: text,
    statistics: anyObject,
  }),
);

/**
 * The table of error codes. Codes are public API: they never change meaning and are never reused. `docs/errors.md` is
 * generated from it (`npm run generate:errors`), `shoal errors CODE` prints one entry.
 */

import { type ErrorDescription, nodeErrors } from './node-errors.js';

export type { ErrorDescription };

export const errorTable = {
  INTERNAL: {
    meaning: 'Something happened that Shoal rules out.',
    raisedBy: 'any part',
    remedy: 'This is a defect in Shoal. Please report it with the message and the logs.',
    native: true,
  },
  ABORTED: {
    meaning: 'The caller, or Ctrl-C, cancelled the operation.',
    raisedBy: 'whatever ran when the signal came',
    remedy: 'The caller cancelled the operation; nothing needs to be done.',
    native: true,
  },
  TIMEOUT: {
    meaning: 'An answer did not come within its deadline.',
    raisedBy: 'the node or program that waited',
    remedy: 'The operation took longer than its deadline. Check the named node and the network, then try again.',
  },
  ARGUMENT_INVALID: {
    meaning: 'An argument, an option or a setting has a value that is not allowed.',
    raisedBy: 'the command line, `createCluster`, or the function that was called',
    remedy: 'Correct the named argument.',
    native: true,
  },

  MODEL_NOT_FOUND: {
    meaning: 'There is no checkpoint under this path or name.',
    raisedBy: 'the node that looks for the model',
    remedy:
      'Check the name (`shoal models` lists those that are here) or the path: a model is a folder with config.json and ' +
      '*.safetensors files, as `hf download OWNER/NAME` fetches it.',
    native: true,
  },
  MODEL_CONFIG_INVALID: {
    meaning: 'config.json or generation_config.json is not JSON, lacks a field, or has an impossible value.',
    raisedBy: 'the node that describes the model, or its sharding strategy',
    remedy: 'The config.json is broken or lacks a field. Fetch the checkpoint again.',
  },
  MODEL_CHECKPOINT_INVALID: {
    meaning: 'A safetensors file or its index is truncated, overlaps itself, or contradicts itself.',
    raisedBy: 'the node that reads the checkpoint, or the worker that loads from it',
    remedy: 'A weight file is truncated or inconsistent. Fetch the checkpoint again.',
    native: true,
  },
  MODEL_TENSOR_MISSING: {
    meaning: 'A tensor that the architecture needs is in none of the weight files.',
    raisedBy: 'the sharding strategy while planning, or the worker that loads',
    remedy: 'The checkpoint lacks a tensor that its architecture needs. Fetch the complete checkpoint.',
    native: true,
  },
  MODEL_TENSOR_SHAPE: {
    meaning: 'A tensor has another shape than the configuration asks for.',
    raisedBy: 'the sharding strategy, or the worker that loads',
    remedy: 'A tensor has another shape than config.json says. Fetch a matching checkpoint.',
    native: true,
  },
  MODEL_STORAGE_UNSUPPORTED: {
    meaning: 'Weights are stored in a type that cannot be read.',
    raisedBy: 'the node that reads the checkpoint, or the worker that loads from it',
    remedy: 'Use a checkpoint in F32, F16 or BF16, or one that `shoal quantize` made with this version.',
    native: true,
  },
  MODEL_WRITE_FAILED: {
    meaning: 'A checkpoint cannot be written: the disk is full, or the folder may not be written to.',
    raisedBy: '`shoal quantize`, or the program that called `quantizeModel`',
    remedy: 'Free space on the disk, or name another folder.',
    native: true,
  },
  MODEL_TOKENIZER_INVALID: {
    meaning: 'The tokenizer files are missing or broken, or describe a tokenizer that is not supported.',
    raisedBy: "the worker of the model's head",
    remedy: 'tokenizer.json or tokenizer_config.json cannot be read. Fetch the checkpoint again.',
  },
  MODEL_TEMPLATE_INVALID: {
    meaning: 'The chat template is missing, has an error, or refuses this conversation.',
    raisedBy: "the worker of the model's head",
    remedy: 'The chat template fails to render. Use --raw, or fix chat_template in tokenizer_config.json.',
  },
  MODEL_ARCHITECTURE_UNSUPPORTED: {
    meaning: 'No sharding strategy knows the architecture, or the variant, that config.json names.',
    raisedBy: 'the node that plans',
    remedy: 'No sharding strategy covers this architecture. Add a plugin that does.',
  },
  MODEL_MISMATCH: {
    meaning: 'A node holds other files than the plan was made for.',
    raisedBy: 'the worker that loads',
    remedy: 'Nodes hold different files under this model name. Copy the same checkpoint to every node.',
  },

  PROGRAM_INVALID: {
    meaning: 'A program breaks a rule: an unknown value, a wrong width, an operation that does not fit its inputs.',
    raisedBy: 'the validation of programs, in the node and in the worker',
    remedy: 'A sharding strategy wrote an inconsistent program. Report it to the plugin named in the message.',
    native: true,
  },
  PROGRAM_PARTIAL_NONLINEAR: {
    meaning: 'A partial sum goes into an operation that is only right on the complete sum.',
    raisedBy: 'the propagation of shard states',
    remedy: 'A strategy uses an unreduced partial sum in a non-linear operation. Report it.',
  },
  PROGRAM_SHARD_STATE: {
    meaning: 'An operation combines values that are cut in different ways.',
    raisedBy: 'the propagation of shard states',
    remedy: 'A strategy combines values that are cut differently. Report it to the plugin named.',
  },
  PROGRAM_CUT_INVALID: {
    meaning: 'A cut does not cover its axis, or breaks its granularity.',
    raisedBy: 'the node that plans or builds a program',
    remedy: 'Choose shares that the model allows: the message names the axis and its rule.',
  },
  PROGRAM_STORAGE_BLOCK: {
    meaning: 'The rows of a weight are no multiple of the block of its storage type.',
    raisedBy: 'the node that plans, or the worker that loads',
    remedy: 'Choose a storage type whose block divides the rows of the named weight, such as f16.',
    native: true,
  },
  PROGRAM_OPERATION_UNSUPPORTED: {
    meaning: 'The backend lacks an operation, or its decomposition, for this program.',
    raisedBy: 'the worker that compiles',
    remedy: 'The backend does not run this operation. Choose another backend for this model.',
    native: true,
  },
  PROGRAM_DIGEST_MISMATCH: {
    meaning: "A member built another program than the plan's digest says.",
    raisedBy: 'the worker that loads',
    remedy: 'Nodes run different versions of the strategy. Install the same version everywhere.',
  },

  PLAN_DOES_NOT_FIT: {
    meaning: 'The model with its context needs more memory than the devices at hand have.',
    raisedBy: 'the planner',
    remedy: 'Add a machine, free memory, choose a smaller storage type, or a shorter context.',
  },
  PLAN_SHAPE_IMPOSSIBLE: {
    meaning: 'The asked-for number of stages and members does not suit the model or the devices.',
    raisedBy: 'the planner',
    remedy: 'Choose a plan shape that the model and the devices at hand allow.',
  },
  PLAN_NO_DEVICES: {
    meaning: 'No node has a device that can run the model.',
    raisedBy: 'the planner',
    remedy: 'No node offers a device. Start a node with a backend, or enable one in plugins.json.',
  },

  GRAPH_INDEX_UNKNOWN: {
    meaning: 'A node or an edge of a graph was named by an index that it does not have.',
    raisedBy: 'the graph that was asked',
    remedy: 'Use an index that the graph gave and that was not removed since.',
  },
  GRAPH_EDGE_UNKNOWN: {
    meaning: 'No edge leads from the one named node of a graph to the other.',
    raisedBy: 'the graph that was asked',
    remedy: 'Ask `hasEdge` first, or name two nodes that an edge joins.',
  },

  PLUGIN_MANIFEST_INVALID: {
    meaning: 'plugins.json cannot be read, is not JSON, or breaks its schema.',
    raisedBy: 'the plugin loader',
    remedy: 'Correct plugins.json at the named path.',
  },
  PLUGIN_NOT_FOUND: {
    meaning: 'A package or module of the list is not installed where it is looked for.',
    raisedBy: 'the plugin loader',
    remedy: 'Install the package or correct its name in plugins.json.',
  },
  PLUGIN_LOAD_FAILED: {
    meaning: 'A module throws while it is imported, lacks the export, or returns something else than a plugin.',
    raisedBy: 'the plugin loader, in the node or in a worker',
    remedy: 'The plugin throws while loading; see the cause.',
  },
  PLUGIN_VERSION_MISMATCH: {
    meaning:
      'The plugin, or a table of a native library, was written for another version of the contract; or an engine says ' +
      'what this version does not understand.',
    raisedBy: 'the plugin loader, the engine, or the worker that hears the engine',
    remedy: 'Install a version of the plugin written for this contract version.',
    native: true,
  },
  PLUGIN_OPTIONS_INVALID: {
    meaning: "The options of a plugin break the plugin's schema.",
    raisedBy: 'the plugin loader',
    remedy: "Correct the plugin's options at the named path.",
  },
  PLUGIN_CAPABILITY_MISSING: {
    meaning: 'A kind of plugin that the work needs is not in the list.',
    raisedBy: '`createCluster`, or a worker',
    remedy: 'Add a plugin that provides the named capability.',
  },

  BACKEND_DEVICE_UNAVAILABLE: {
    meaning: 'The device is absent, or cannot be opened.',
    raisedBy: 'the backend',
    remedy: 'The device cannot be opened; the message says why. `shoal doctor` shows remedies.',
    native: true,
  },
  BACKEND_LIBRARY_MISSING: {
    meaning: "The backend's native library is not where it is looked for, or cannot be loaded.",
    raisedBy: 'the backend',
    remedy: 'Build or install the native library; `shoal doctor` says how.',
    native: true,
  },
  BACKEND_OUT_OF_MEMORY: {
    meaning: 'The device has not enough memory left.',
    raisedBy: 'the backend, while loading or in a step',
    remedy: 'Free memory or load the model over more machines.',
    native: true,
  },
  BACKEND_FAILED: {
    meaning: 'The device, or its library, reported a failure during a step.',
    raisedBy: 'the backend',
    remedy: 'The device failed during computation; see the message and the logs.',
    native: true,
  },

  TRANSPORT_UNAVAILABLE: {
    meaning: 'No transport can be used by all members of the plan, or this one cannot be used here.',
    raisedBy: 'the node that loads, or the transport',
    remedy: 'The transport cannot be used here; the message says why.',
    native: true,
  },
  TRANSPORT_PEER_LOST: {
    meaning: 'A member is gone, or gave no sign of life for too long.',
    raisedBy: "the other members' transports",
    remedy: 'The named peer died or became unreachable. Load the model again on what is left.',
    native: true,
  },
  TRANSPORT_TIMEOUT: {
    meaning: 'A message did not come within the deadline of the step, though the peer showed signs of life.',
    raisedBy: 'the transport of the member that waited',
    remedy: 'The named peer did not answer in time. Check it and the network.',
    native: true,
  },
  TRANSPORT_UNAUTHENTICATED: {
    meaning: 'The other side could not prove that it belongs to this load.',
    raisedBy: 'the transport, while members connect',
    remedy: 'The peer does not hold the secret of this load. It may be a stranger, or out of date.',
    native: true,
  },
  TRANSPORT_EPOCH_MISMATCH: {
    meaning: 'The other side belongs to another instance, or to an older load of this one.',
    raisedBy: 'the transport, while members connect',
    remedy: 'The peer belongs to an older load. It will be told to stop.',
    native: true,
  },
  TRANSPORT_DESYNCHRONIZED: {
    meaning: 'A member is at another point of the work than its peers.',
    raisedBy: 'the transport, or the engine',
    remedy: 'The named member sent something out of order; the instance must be loaded again.',
    native: true,
  },
  TRANSPORT_PROTOCOL: {
    meaning: 'Bytes arrived that are no message of this protocol.',
    raisedBy: 'the transport, or the control plane',
    remedy: 'The peer sent bytes that are not a valid frame. It may not be a Shoal node.',
    native: true,
  },
  TRANSPORT_FRAME_TOO_LARGE: {
    meaning: 'A message is longer than its limit.',
    raisedBy: 'the transport, or the control plane',
    remedy: 'A frame is larger than the limit. The peer may be hostile or another version.',
    native: true,
  },
  TRANSPORT_CLOSED: {
    meaning: 'The peer left in order.',
    raisedBy: 'the transport',
    remedy: 'The channel was closed by a clean leave, here or at the named peer.',
    native: true,
  },
  TRANSPORT_ABORTED: {
    meaning: 'The work was given up, here or by a peer, because something else failed first.',
    raisedBy: 'the transport',
    remedy: 'The work on this channel was given up on purpose; the message says by whom and why.',
    native: true,
  },
  TRANSPORT_UNREACHABLE: {
    meaning: 'A member could not be connected to while the model was loaded.',
    raisedBy: 'the transport',
    remedy: 'No connection to the named member could be made in time. Check that it runs and the network.',
    native: true,
  },
  TRANSPORT_ADDRESS_INVALID: {
    meaning: 'An address cannot be read, or is of a kind that this platform lacks.',
    raisedBy: 'the transport',
    remedy: 'Correct the named address, or choose a kind that this platform supports.',
    native: true,
  },
  TRANSPORT_INPUT_OUTPUT: {
    meaning: 'The operating system refused to bind, to connect, to read or to write.',
    raisedBy: 'the transport',
    remedy: 'The operating system refused an operation on a socket; see the message.',
    native: true,
  },

  ENGINE_UNAVAILABLE: {
    meaning: 'There is no engine that can run on this node.',
    raisedBy: 'the node that should run a member',
    remedy: 'The native engine cannot be loaded on this platform; `shoal doctor` says what is missing.',
  },
  ENGINE_LOAD_FAILED: {
    meaning: 'A member did not become ready, for a reason without a code of its own.',
    raisedBy: 'the engine, or the node that ordered the load',
    remedy: 'A shard could not be loaded; see the message.',
    native: true,
  },
  ENGINE_WORKER_EXITED: {
    meaning: 'A worker process ended by itself, or was killed.',
    raisedBy: "the worker's node",
    remedy: 'The worker process of a shard ended. Load the model again; see its logs for the reason.',
  },
  ENGINE_ABORTED: {
    meaning: 'The member was closed while it worked.',
    raisedBy: 'the engine',
    remedy: 'The instance was stopped while a step was running.',
    native: true,
  },

  ...nodeErrors,

  INSTANCE_NOT_FOUND: {
    meaning: 'No node that is reached serves this instance; it may have been unloaded.',
    raisedBy: 'the node that was asked, or the C interface',
    remedy: 'The model is not loaded. Load it first.',
    native: true,
  },
  INSTANCE_PAUSED: {
    meaning:
      'The instance, or a node that holds a part of it, was paused: it takes no new requests, and no other instance of the model does.',
    raisedBy: "the instance's head",
    remedy: 'Resume it with `shoal resume`, wait until somebody does, or load the model elsewhere, too.',
  },
  INSTANCE_FAILED: {
    meaning: 'The instance stopped serving; the message has the first cause.',
    raisedBy: 'the node that was asked',
    remedy: 'The instance lost a member and cannot serve. Load the model again.',
  },
  INSTANCE_MOVED: {
    meaning: 'Another instance takes the place of this one, on other devices or with other shares.',
    raisedBy: "the node of the instance's head",
    remedy: 'Ask again: requests find the new instance by the old name. If none comes, load the model again.',
  },
  DASHBOARD_NOT_INSTALLED: {
    meaning: 'The terminal dashboard is a package of its own, and it is not there or cannot be loaded.',
    raisedBy: '`shoal` without arguments, and `shoal top`',
    remedy: 'Install it beside shoal: `npm install @shoal/tui`, or `npm install -g @shoal/tui` for a global shoal.',
  },
  API_ADDRESS_IN_USE: {
    meaning: 'Another program listens on the address and port of an API.',
    raisedBy: 'the API plugin of a node that starts',
    remedy: 'End the other program, or choose another port with `--api-port` (0 takes any that is free).',
  },
  API_UNAUTHORIZED: {
    meaning: 'A request came without one of the keys that the API asks for.',
    raisedBy: 'the API of the node that was asked',
    remedy: "Send an API key, or the cluster's key, as `Authorization: Bearer KEY`.",
  },
  API_FAILED: {
    meaning: 'An API cannot serve, for a reason of its own.',
    raisedBy: 'the API plugin of a node that starts',
    remedy: 'The message has the reason. The node works without it.',
  },
  REQUEST_INVALID: {
    meaning: 'A field of a request is missing, has a wrong type, or is out of bounds.',
    raisedBy: 'the node or the engine that was asked',
    remedy: 'Correct the named field of the request.',
    native: true,
  },
  REQUEST_TOO_LONG: {
    meaning: 'The prompt alone fills the context that the model was loaded with.',
    raisedBy: "the instance's head",
    remedy: 'Shorten the conversation or load the model with a longer context.',
    native: true,
  },
  REQUEST_QUEUE_FULL: {
    meaning: 'A queue has reached its limit: of requests to an instance, or of events that nobody reads.',
    raisedBy: "the instance's head, or a connection",
    remedy: 'Too many requests are waiting. Try again later, or load the model with a larger `queueCapacity`.',
    native: true,
  },
  REQUEST_QUEUE_TIMEOUT: {
    meaning: 'A request found no free place to run within the time that it allowed.',
    raisedBy: "the instance's head",
    remedy: 'Try again later, or allow a longer `queueTimeoutMilliseconds`.',
    native: true,
  },
  REQUEST_NO_TOKEN_ALLOWED: {
    meaning: 'The constraint of a request leaves no token that could come next.',
    raisedBy: "the instance's head",
    remedy: 'Loosen the constraint, so that it allows an end-of-text token where it is fulfilled.',
    native: true,
  },
} as const satisfies Readonly<Record<string, ErrorDescription>>;

export type ErrorCode = keyof typeof errorTable;

/** The entry of a code. */
export function describeError(code: ErrorCode): ErrorDescription {
  return errorTable[code];
}

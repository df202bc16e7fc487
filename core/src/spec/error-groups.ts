/** Codes with the same beginning, as the documentation groups them; what has no prefix of these is general. */
export const errorGroups = [
  { prefix: '', title: 'General', about: 'Raised anywhere.' },
  { prefix: 'MODEL_', title: 'Models', about: 'A checkpoint, its configuration, its tokenizer or its chat template.' },
  { prefix: 'PROGRAM_', title: 'Programs', about: 'What a sharding strategy wrote, and how it is cut and compiled.' },
  { prefix: 'PLAN_', title: 'Plans', about: 'Who would compute what. The refusal comes with its numbers.' },
  { prefix: 'GRAPH_', title: 'Graphs', about: 'Topologies as directed multigraphs.' },
  { prefix: 'PLUGIN_', title: 'Plugins', about: 'plugins.json, and the modules that it names.' },
  { prefix: 'BACKEND_', title: 'Backends', about: 'A device, or the library that drives it.' },
  {
    prefix: 'TRANSPORT_',
    title: 'Transports',
    about: 'The data plane: what the members of a loaded model say to each other.',
  },
  { prefix: 'ENGINE_', title: 'Engine', about: 'The workers in which the members of a model run.' },
  { prefix: 'NODE_', title: 'Nodes', about: 'The control plane: how nodes meet, and how they lose each other.' },
  { prefix: 'CLUSTER_', title: 'Clusters', about: "A program's own hold on the cluster." },
  { prefix: 'INSTANCE_', title: 'Instances', about: 'Models that are loaded.' },
  { prefix: 'DASHBOARD_', title: 'Dashboard', about: 'What shows the cluster in a terminal.' },
  { prefix: 'API_', title: 'APIs', about: 'What serves a node to programs that do not speak its own protocol.' },
  { prefix: 'REQUEST_', title: 'Requests', about: 'One generation, or another request to a node.' },
] as const;

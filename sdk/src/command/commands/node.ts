import { resolveHome, ShoalError } from '@shoal/core';
import { createCluster, type LoadProgressed } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, pluginsOption } from '../home-options.js';
import { keepHeapSmall } from '../idle-heap.js';
import { LogFile } from '../log-file.js';
import { logLevelOption, logPrinter } from '../log-output.js';
import { apiOptions, parseApiOptions, printApis } from '../node-apis.js';
import { LoadProgressDisplay } from '../progress.js';
import { modelOptions, parseLoadOptions } from '../session.js';
import type { Terminal } from '../terminal.js';

async function node({ options, terminal, signal }: CommandInvocation): Promise<void> {
  const listen = options.list('listen');
  const text = (name: string) => options.text(name);
  const print = logPrinter(options, terminal, 'warn');
  const home = resolveHome(text('home'));
  const file = options.flag('log-file') ? openLogFile(home, terminal) : undefined;
  await using cluster = await createCluster({
    home,
    name: text('name'),
    pluginManifest: text('plugins'),
    dataAddress: options.list('data-address'),
    peers: options.list('peer'),
    modelLibraries: options.list('models'),
    devices: !options.flag('no-devices'),
    identity: 'lasting',
    apis: parseApiOptions(options),
    ...(listen.length === 0 ? {} : { listen }),
    onLog: (record) => {
      print?.(record);
      file?.write(record);
    },
    signal,
  });
  const { nodeId, nodeName, addresses, apis } = cluster;
  if (terminal.isJson) terminal.json({ kind: 'node-started', nodeId, nodeName, addresses, home, apis });
  else {
    terminal.line(`${terminal.bold(nodeName)} is up (${nodeId})`);
    for (const address of addresses) terminal.line(`  ${address}`);
    printApis(apis, terminal);
    terminal.note(`Others join with \`--peer ADDRESS\` and a copy of ${home}/cluster.key. Ctrl-C ends the node.`);
  }
  keepHeapSmall(signal);
  const left = new Promise<void>((resolve) => cluster.on('node-leaving', () => resolve()));
  cluster.on('*', (event) => {
    if (terminal.isJson) terminal.json(event);
    else if (event.kind === 'node-joined') terminal.line(`+ ${event.nodeName} joined`);
    else if (event.kind === 'node-leaving') terminal.line('This node was told to leave.');
    else if (event.kind === 'node-left') terminal.line(`- ${event.nodeName} left`);
    else if (event.kind === 'node-lost') terminal.line(`- ${event.nodeName} was lost: ${event.reason}`);
    else if (event.kind === 'node-refused') terminal.line(`! ${event.address}: ${event.message}`);
    else if (event.kind === 'instance-loaded') terminal.line(`+ ${event.plan.modelName} serves`);
    else if (event.kind === 'instance-failed') terminal.line(`- an instance failed: ${event.message}`);
  });
  const over = Promise.race([ended(signal, options.flag('exit-with-stdin')), left]);
  over.catch(() => undefined);
  for (const model of options.list('model')) {
    const display = new LoadProgressDisplay(terminal, model);
    const onProgress = (progress: LoadProgressed) => display.update(progress);
    await Promise.race([cluster.load(model, { ...parseLoadOptions(options), onProgress, signal }), over]);
    display.close();
  }
  await over;
}

/** The node's file of records. A disk that has no room for them stops no node, but is said. */
function openLogFile(home: string, terminal: Terminal): LogFile {
  return new LogFile(home, {
    onFailure: (reason) => {
      terminal.clearProgress();
      terminal.diagnostics.write(`log records cannot be written to ${home}: ${reason}\n`);
    },
  });
}

/** Resolves at the first interrupt, and, for a node that belongs to a program, when that program lets go of it. */
function ended(signal: AbortSignal, withStandardInput: boolean): Promise<void> {
  return new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (!withStandardInput) return;
    process.stdin.on('end', () => resolve());
    process.stdin.on('error', () => resolve());
    process.stdin.resume();
  }).then(() => {
    const reason: unknown = signal.reason;
    if (ShoalError.is(reason) && reason.code !== 'ABORTED') throw reason;
  });
}

export const nodeCommand: Command = {
  name: 'node',
  group: 'Nodes',
  arguments: [],
  summary: 'Offer this machine to a cluster.',
  description:
    'Runs until it is interrupted. With --json events are lines of JSON; the first says that the node is up.',
  options: [
    { name: 'name', value: 'NAME', description: 'Name shown to people.', default: "the machine's" },
    {
      name: 'listen',
      value: 'ADDRESS',
      multiple: true,
      description: 'Address to listen on: an IP address (0.0.0.0 is all), host:port, or a multiaddress.',
      default: '127.0.0.1, for this machine only',
    },
    {
      name: 'peer',
      value: 'ADDRESS',
      multiple: true,
      description: 'Address of a node to join: an IP address, host:port, or a multiaddress.',
    },
    {
      name: 'model',
      value: 'MODEL',
      multiple: true,
      description: 'Load this model, a name or a folder, and serve it until the node ends.',
      completes: 'model',
    },
    homeOption,
    { name: 'models', value: 'DIR', multiple: true, description: 'Another folder of models.', completes: 'directory' },
    pluginsOption,
    {
      name: 'data-address',
      value: 'IP',
      multiple: true,
      description: 'Address for the workers of other nodes; 0.0.0.0 is all.',
      default: 'as --listen',
    },
    { name: 'no-devices', description: 'Join without offering devices.' },
    logLevelOption,
    { name: 'log-file', description: 'Write log records to logs/node.log in the home, too; at most 8 MiB are kept.' },
    { name: 'exit-with-stdin', description: 'End when standard input closes: for programs that start nodes.' },
    ...apiOptions,
    ...modelOptions,
  ],
  examples: [
    ['shoal node', 'a node that programs of this machine can use'],
    ['shoal node --model shoal-tiny-chat --api-port 8080', 'a model over HTTP: http://127.0.0.1:8080/v1'],
    ['shoal node --listen 0.0.0.0:7450', 'a node that others can join'],
    ['shoal node --listen 0.0.0.0 --peer 192.168.1.20:7450', 'join the node on another machine'],
  ],
  run: node,
};

import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type {
  Description,
  NetworkChange,
  NetworkReport,
  Opened,
  Order,
  PathRule,
  TimedOrder,
} from './emulated-network-protocol.js';
import { repositoryRoot } from './repository.js';

export type * from './emulated-network-protocol.js';

const workspace = join(repositoryRoot, 'test', 'wire');
const buildFolder = join(repositoryRoot, 'target', 'wire');
const binary = join(buildFolder, 'release', 'shoal-wire');

/**
 * How much more than a link carries a node may find it to. Bursts are timed by processes: where those wait for a processor, a
 * part of a burst's time is taken for the round trip's.
 */
export const burstTolerance = 1.5;

/** A machine of the network. */
export interface HostOptions {
  readonly name: string;
  /** `eth0` on the segment `lan` unless given. */
  readonly interfaces?: readonly InterfaceOptions[];
}

export interface InterfaceOptions {
  readonly name: string;
  /** The switch that it is plugged into; hosts on one segment reach one another. */
  readonly segment: string;
  /** With its prefix: `10.77.0.1/24`. None unless given. */
  readonly address?: string;
  /** Beside the link-local one: `fd77::1/64`. */
  readonly ipv6Address?: string;
  /** 1500 unless given. */
  readonly mtuBytes?: number;
}

export interface EmulatedNetworkOptions {
  /** How many, named `host-1`, `host-2` … with the addresses 10.77.0.1, 10.77.0.2 …, or which. */
  readonly hosts: number | readonly HostOptions[];
  /** What lies between each two hosts, in each direction, from the start. Nothing unless given. */
  readonly links?: PathRule;
  /** Decides what befalls frames; 1 unless given. */
  readonly seed?: number;
  /** As whoever is not root has it: in a user namespace. Root needs none. */
  readonly inUserNamespace?: boolean;
}

/** A host, one of its interfaces as `host/interface`, or `*` for all. */
export type Place = EmulatedHost | string;

/**
 * Starts hosts, which are network namespaces, joined by a switch that delays, loses and reorders frames as it is told.
 * Ask `emulatedNetworkProblem()` first whether this is possible here. test/wire/README.md says more.
 */
export async function emulatedNetwork(options: EmulatedNetworkOptions): Promise<EmulatedNetwork> {
  const problem = buildProblem();
  if (problem !== undefined) throw new Error(problem);
  const network = await EmulatedNetwork.open(describe(options), options.inUserNamespace ?? false);
  if (options.links) await network.rule('*', '*', options.links);
  return network;
}

function describe({ hosts, seed = 1 }: EmulatedNetworkOptions): Description {
  const named: readonly HostOptions[] =
    typeof hosts === 'number' ? Array.from({ length: hosts }, (_, index) => ({ name: `host-${index + 1}` })) : hosts;
  return {
    seed,
    hosts: named.map(({ name, interfaces }, index) => ({
      name,
      interfaces: interfaces ?? [
        { name: 'eth0', segment: 'lan', address: `10.77.0.${index + 1}/24`, ipv6Address: `fd77::${index + 1}/64` },
      ],
    })),
  };
}

let built: { readonly problem: string | undefined } | undefined;

function buildProblem(): string | undefined {
  built ??= { problem: build() };
  return built.problem;
}

function build(): string | undefined {
  const args = ['build', '--release', '--locked', '--quiet', '--target-dir', buildFolder];
  const { status, error, stderr } = spawnSync('cargo', args, { cwd: workspace, encoding: 'utf8' });
  if (status === 0) return undefined;
  return `the network emulator cannot be built: ${error?.message ?? stderr.trim()}`;
}

/** Why networks cannot be emulated here, or undefined. Builds the emulator. */
export function emulatedNetworkProblem({ inUserNamespace = false } = {}): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only';
  const problem = buildProblem();
  if (problem !== undefined) return problem;
  const trial = spawnSync(binary, inUserNamespace ? ['--in-user-namespace'] : [], {
    input: `${JSON.stringify(describe({ hosts: 1 }))}\n`,
    encoding: 'utf8',
  });
  const [line] = trial.stdout.split('\n');
  if (!line) return `the network emulator does not start: ${trial.stderr.trim()}`;
  const answer = JSON.parse(line) as Opened | { error: { message: string } };
  return 'error' in answer ? answer.error.message : undefined;
}

/** An order that the emulator did not carry out. */
export class EmulatorError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'EmulatorError';
  }
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
  readonly event?: 'step' | 'ended';
  readonly step?: number;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Hosts and what is between them. Nothing of it is left when this process ends, however it ends. */
export class EmulatedNetwork implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #timeline: (Waiting & { readonly onStep: (step: number) => void }) | undefined;
  #lastId = 0;
  #errors = '';
  #endReason: Error | undefined;
  hosts: readonly EmulatedHost[] = [];

  private constructor(
    readonly seed: number,
    inUserNamespace: boolean,
  ) {
    this.#process = spawn(binary, inUserNamespace ? ['--in-user-namespace'] : [], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    // What ended it is said by its end.
    this.#process.stdin?.on('error', () => undefined);
    this.#process.on('error', (error) => this.#end(error));
    this.#process.on('close', (code, signal) =>
      this.#end(new Error(`the network emulator ended (${signal ?? code}): ${this.#errors.trim()}`)),
    );
  }

  static async open(description: Description, inUserNamespace: boolean): Promise<EmulatedNetwork> {
    const network = new EmulatedNetwork(description.seed, inUserNamespace);
    try {
      const opened = await network.#start(description);
      network.hosts = description.hosts.map(({ name, interfaces }, index) => {
        const namespace = opened.hosts[index]?.networkNamespace;
        if (namespace === undefined) throw new Error(`the network emulator did not open ${name}`);
        const enter = ['--network', namespace];
        if (opened.userNamespace !== null) enter.unshift('--user', opened.userNamespace);
        return new EmulatedHost(name, interfaces, enter);
      });
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  #start(description: Description): Promise<Opened> {
    const { stdout, stdin } = this.#process;
    if (!stdout || !stdin) throw new Error('the network emulator has no pipes');
    return new Promise((resolve, reject) => {
      // Number 0 is the description's.
      this.#waiting.set(0, { resolve: (opened) => resolve(opened as Opened), reject });
      let opened = false;
      createInterface({ input: stdout }).on('line', (line) => {
        const message = JSON.parse(line) as Message;
        if (opened) return this.#hear(message);
        opened = true;
        this.#hear(message.error ? { id: 0, error: message.error } : { id: 0, result: message });
      });
      stdin.write(`${JSON.stringify(description)}\n`);
    });
  }

  #hear({ id, result, error, event, step }: Message): void {
    if (event !== undefined) {
      this.#timeline?.onStep(step ?? 0);
      if (event === 'ended') this.#settleTimeline(undefined);
      return;
    }
    const failure = error && new EmulatorError(error.code, error.message);
    if (id === undefined) {
      this.#settleTimeline(failure);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure) waiting?.reject(failure);
    else waiting?.resolve(result);
  }

  #settleTimeline(failure: Error | undefined): void {
    const timeline = this.#timeline;
    this.#timeline = undefined;
    if (failure) timeline?.reject(failure);
    else timeline?.resolve(undefined);
  }

  #end(reason: Error): void {
    this.#endReason ??= reason;
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
    this.#settleTimeline(reason);
  }

  async #do(order: Order): Promise<unknown> {
    if (this.#endReason) throw this.#endReason;
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#process.stdin?.write(`${JSON.stringify({ id, do: order })}\n`);
    return await answer;
  }

  /** Carries out an order as scenario files have it. */
  async order(order: NetworkChange): Promise<void> {
    await this.#do(order);
  }

  /** Sets what lies between two places in this direction; the empty rule makes it perfect again. */
  async rule(from: Place, to: Place, rule: PathRule): Promise<void> {
    await this.#do({ order: 'rule', from: wordOf(from), to: wordOf(to), rule });
  }

  /** The same in both directions. */
  async ruleBothWays(one: Place, other: Place, rule: PathRule): Promise<void> {
    await this.rule(one, other, rule);
    await this.rule(other, one, rule);
  }

  /** Sets what a host's own cable does, which its traffic with all others shares: up to the switch or down from it. */
  async cable(at: Place, direction: 'up' | 'down', rule: PathRule): Promise<void> {
    await this.#do({ order: 'cable', at: wordOf(at), direction, rule });
  }

  /** Lets nothing through in this direction, without a sign to either. */
  async cut(from: Place, to: Place): Promise<void> {
    await this.#do({ order: 'cut', from: wordOf(from), to: wordOf(to) });
  }

  async mend(from: Place, to: Place): Promise<void> {
    await this.#do({ order: 'mend', from: wordOf(from), to: wordOf(to) });
  }

  /** Cuts all ways between groups; hosts that are in none keep all of theirs. */
  async partition(...groups: readonly (readonly Place[])[]): Promise<void> {
    await this.#do({ order: 'partition', groups: groups.map((group) => group.map(wordOf)) });
  }

  /** Takes back all cuts and partitions; rules and pulled cables stay. */
  async heal(): Promise<void> {
    await this.#do({ order: 'heal' });
  }

  /** Pulls a cable: the host sees that its interface has no carrier. */
  async unplug(at: Place): Promise<void> {
    await this.#do({ order: 'unplug', at: wordOf(at) });
  }

  async plug(at: Place): Promise<void> {
    await this.#do({ order: 'plug', at: wordOf(at) });
  }

  /** What has befallen frames so far. */
  async statistics(): Promise<NetworkReport> {
    return (await this.#do({ order: 'statistics' })) as NetworkReport;
  }

  /** Does things at their times from now on; resolves when the last is done. */
  async play(timeline: readonly TimedOrder[], onStep: (step: number) => void = () => undefined): Promise<void> {
    if (timeline.length === 0) return;
    this.#settleTimeline(new Error('another timeline took its place'));
    const ended = new Promise<void>((resolve, reject) => {
      this.#timeline = { resolve: () => resolve(), reject, onStep };
    });
    // A refusal of the order itself is thrown below, and the end of the emulator by both.
    ended.catch(() => undefined);
    await this.#do({ order: 'play', timeline });
    await ended;
  }

  /** Ends what still runs in the hosts, then the hosts. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.endPrograms()));
    if (this.#process.exitCode !== null || this.#process.signalCode !== null || this.#process.pid === undefined) return;
    const ended = once(this.#process, 'exit');
    this.#process.stdin?.end();
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(kill);
  }
}

/** One host: programs run in it. */
export class EmulatedHost {
  readonly #enter: readonly string[];
  readonly #programs = new Set<ChildProcess>();

  constructor(
    readonly name: string,
    readonly interfaces: readonly InterfaceOptions[],
    enter: readonly string[],
  ) {
    this.#enter = enter;
  }

  /** Of its first interface that has one, without the prefix. */
  get address(): string {
    const found = this.interfaces.find(({ address }) => address !== undefined)?.address;
    if (found === undefined) throw new Error(`${this.name} has no address`);
    return found.replace(/\/.*/, '');
  }

  /** Runs a program in this host; it ends with this process or with the network. */
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const program = spawn(binary, ['enter', ...this.#enter, '--', command, ...args], options);
    this.#programs.add(program);
    program.once('exit', () => this.#programs.delete(program));
    return program;
  }

  /** Runs a measurement of the emulator's own, `shoal-wire probe`. */
  probe(args: readonly string[]): ChildProcess {
    return this.spawn(binary, ['probe', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  async endPrograms(): Promise<void> {
    await Promise.all(
      [...this.#programs].map(async (program) => {
        const ended = once(program, 'exit');
        if (program.kill('SIGKILL')) await ended;
      }),
    );
  }
}

function wordOf(place: Place): string {
  return typeof place === 'string' ? place : place.name;
}

/** Which loaded instance answers for the name that a request gives. */
import { type InstanceSummary, type NodeService, ShoalError } from '@shoal/core';

/** How long a list is used before it is asked for again, beside the events that make it old at once. */
const freshMilliseconds = 2000;

export interface ServedModel {
  /** What clients call it. */
  readonly name: string;
  readonly instance: InstanceSummary;
  /** Milliseconds since 1970: when this node first knew of it. */
  readonly since: number;
}

/**
 * The list of instances asks every node of the cluster, which a request must not wait for. So the last one is used while
 * a new one is made; only a name that is not in it waits.
 */
export class ModelDirectory {
  private list: readonly ServedModel[] = [];
  private listedAt = Number.NEGATIVE_INFINITY;
  private listing: Promise<readonly ServedModel[]> | undefined;
  private readonly firstSeen = new Map<string, number>();
  private turns = 0;

  constructor(
    private readonly service: NodeService,
    signal: AbortSignal,
  ) {
    void this.watch(signal).catch(() => undefined);
  }

  /** All that is loaded and serves. */
  async models(): Promise<readonly ServedModel[]> {
    return this.isFresh() ? this.list : this.refresh();
  }

  /**
   * The instance for a model's name, its folder, or an instance's id; of several they take turns. Rejects with
   * INSTANCE_NOT_FOUND, which names what there is.
   */
  async find(name: string, but: ReadonlySet<string> = new Set()): Promise<ServedModel> {
    const known = this.pick(this.list, name, but);
    if (known && but.size === 0) {
      if (!this.isFresh()) void this.refresh().catch(() => undefined);
      return known;
    }
    const list = await this.refresh();
    const found = this.pick(list, name, but);
    if (found) return found;
    const names = [...new Set(list.map((one) => one.name))];
    const served = names.length === 0 ? 'no model is loaded' : `loaded: ${names.join(', ')}`;
    const message = `The model '${name}' is not loaded in this cluster (${served}).`;
    throw new ShoalError('INSTANCE_NOT_FOUND', message, { details: { parameter: 'model', loaded: names } });
  }

  private isFresh(): boolean {
    return performance.now() - this.listedAt < freshMilliseconds;
  }

  private pick(list: readonly ServedModel[], name: string, but: ReadonlySet<string>): ServedModel | undefined {
    const fitting = list.filter(({ instance, name: own }) => {
      const { instance: id, model } = instance;
      return !but.has(id) && (own === name || id === name || model === name);
    });
    this.turns += 1;
    return fitting[this.turns % Math.max(1, fitting.length)];
  }

  private refresh(): Promise<readonly ServedModel[]> {
    this.listing ??= this.service
      .instances()
      .then((instances) => {
        const now = Date.now();
        this.list = instances
          .filter(({ state }) => state === 'ready')
          .map((instance) => {
            const since = this.firstSeen.get(instance.instance) ?? now;
            this.firstSeen.set(instance.instance, since);
            return { name: instance.plan.modelName, instance, since };
          });
        this.listedAt = performance.now();
        return this.list;
      })
      .finally(() => {
        this.listing = undefined;
      });
    return this.listing;
  }

  private async watch(signal: AbortSignal): Promise<void> {
    for await (const { kind } of this.service.watch(signal)) {
      if (kind.startsWith('instance-') || kind.startsWith('node-')) this.listedAt = Number.NEGATIVE_INFINITY;
    }
  }
}

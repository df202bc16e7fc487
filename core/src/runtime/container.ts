import './injection.js';
import { type DependencyContainer, instancePerContainerCachingFactory, container as rootContainer } from 'tsyringe';
import { ShoalError } from '../spec/errors.js';
import { throwTogether, withDeadline } from './lifecycle.js';
import { type Token, tokens } from './tokens.js';

// biome-ignore lint/suspicious/noExplicitAny: a constructor's parameters are the injector's business
type Constructor<T> = new (...parameters: any[]) => T;

interface Disposal {
  readonly name: string;
  readonly dispose: () => void | Promise<void>;
}

const disposalDeadlineMilliseconds = 10_000;

/**
 * The dependencies of one cluster. Two clusters in one process share nothing: the root container stays empty, and every
 * registration lives and dies with this object. tsyringe disposes only what it constructed, and all at once; therefore
 * this class keeps its own stack and closes in reverse order.
 */
export class ClusterContainer implements AsyncDisposable {
  readonly #container: DependencyContainer = rootContainer.createChildContainer();
  readonly #disposals: Disposal[] = [];
  #closing: Promise<void> | undefined;

  constructor(clusterId: string) {
    this.registerValue(tokens.clusterId, clusterId);
  }

  registerValue<T>(token: Token<T>, value: T): void {
    this.#assertOpen();
    this.#container.registerInstance<T>(token, value);
  }

  /** The factory runs at the first `resolve`, once. */
  registerFactory<T>(token: Token<T>, factory: (container: ClusterContainer) => T): void {
    this.#assertOpen();
    this.#container.register<T>(token, { useFactory: instancePerContainerCachingFactory(() => factory(this)) });
  }

  /** One instance per cluster; every parameter of the constructor carries `@inject(token)`. */
  registerClass<T>(token: Token<T>, implementation: Constructor<T>): void {
    this.#assertOpen();
    const create = instancePerContainerCachingFactory((container) => container.resolve(implementation));
    this.#container.register<T>(token, { useFactory: create });
  }

  has(token: Token<unknown>): boolean {
    return this.#container.isRegistered(token);
  }

  resolve<T>(token: Token<T>): T {
    this.#assertOpen();
    if (!this.has(token)) {
      throw new ShoalError('INTERNAL', `Nothing is registered for ${token.description ?? String(token)}.`);
    }
    return this.#container.resolve<T>(token);
  }

  /** Adds to the stack that `close` works off from the top. `name` appears in errors. */
  onClose(name: string, dispose: () => void | Promise<void>): void {
    this.#assertOpen();
    this.#disposals.push({ name, dispose });
  }

  /** Idempotent. Later registrations close first; failures do not hide each other. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let disposal = this.#disposals.pop(); disposal !== undefined; disposal = this.#disposals.pop()) {
      try {
        const work = Promise.resolve(disposal.dispose());
        await withDeadline(work, disposalDeadlineMilliseconds, `${disposal.name} did not close`);
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    this.#container.clearInstances();
    throwTogether(failures, 'Some parts of the cluster failed to close');
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new ShoalError('CLUSTER_CLOSED', 'The cluster is closed.');
  }
}

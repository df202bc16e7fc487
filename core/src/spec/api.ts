/**
 * An API serves what a node does to programs that do not speak its own protocol: over HTTP, for example. It has a host
 * half only; requests run where their instance's head is, whichever node they came in at.
 *
 * `Service` is what the node does for programs: `NodeService`, of a layer above this one.
 */
export interface Api<Service> {
  /**
   * Serves until the signal aborts or the result is closed. Called once, when the node is ready. Rejects with a coded
   * error when it cannot serve (API_ADDRESS_IN_USE, API_FAILED); the node then says so, and ends where the API was
   * asked for by name.
   */
  start(context: ApiContext<Service>, signal: AbortSignal): Promise<RunningApi>;
}

export interface ApiContext<Service> {
  readonly service: Service;
  readonly nodeName: string;
  readonly softwareVersion: string;
  /** What whoever started the node says about its APIs; it goes before the plugin's options. */
  readonly settings: ApiSettings;
  /**
   * Whether a text is the cluster's key: who has it is a member, and may do what members may. Takes the same time whatever
   * the text is. The key itself is not given to plugins.
   */
  isClusterKey(text: string): boolean;
}

/** What may be said about a node's APIs where it is started. */
export interface ApiSettings {
  /** Where to listen: an address of this machine, with a port or without: `0.0.0.0`, `192.168.1.20:8080`, `[::1]:8080`. */
  readonly listen?: string | undefined;
  /** 0: any free port. */
  readonly port?: number | undefined;
  /** Programs must bring one of these, or the cluster's key, which is asked for beyond loopback anyway. */
  readonly keys?: readonly string[] | undefined;
  /** Web pages of these origins may ask, beside those of the plugin's options. */
  readonly origins?: readonly string[] | undefined;
}

export interface RunningApi {
  /** Where it is reached, best first: `http://127.0.0.1:52415`. */
  readonly addresses: readonly string[];
  /** Takes no more requests, lets those that run end within some seconds, then cancels them; idempotent. */
  close(): Promise<void>;
}

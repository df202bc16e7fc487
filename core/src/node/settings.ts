/** What a node was started with, defaults filled in. */
export interface NodeSettings {
  readonly nodeId: string;
  /** Shown to people; may be changed while the node runs. */
  nodeName: string;
  readonly softwareVersion: string;
  readonly machineId: string;
  /** SHOAL_HOME. */
  readonly home: string;
  /** Whether this node's devices may take part in plans; false for a program that only asks. */
  readonly offersDevices: boolean;
  /** Whether it may lead the cluster while others stand. */
  readonly stands: boolean;
  /** Folders that hold models by name. */
  readonly modelLibraries: readonly string[];
}

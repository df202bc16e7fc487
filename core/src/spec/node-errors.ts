/** The part of the table of error codes that is about nodes and clusters of them. */

/** What a code stands for. The message of an error says who and what; `remedy` says what to do next. */
export interface ErrorDescription {
  readonly meaning: string;
  /** The part of Shoal that finds out. */
  readonly raisedBy: string;
  readonly remedy: string;
  /** Whether the native side can raise it, too; a test compares this with the crates. */
  readonly native?: true;
}

export const nodeErrors = {
  NODE_UNREACHABLE: {
    meaning: 'No connection to the node could be made, or it did not start.',
    raisedBy: 'the node or program that wanted to reach it',
    remedy: 'The node does not answer. Check that it runs, its address, and the firewall.',
  },
  NODE_LOST: {
    meaning: 'A node that was connected left, died, or fell silent.',
    raisedBy: 'the nodes that were connected to it',
    remedy: 'The named node left or died. Load the model again on what is left.',
  },
  NODE_NOT_A_MEMBER: {
    meaning: 'Two nodes do not hold the same cluster key.',
    raisedBy: 'both nodes, before anything else is said',
    remedy: 'To join, copy cluster.key from the SHOAL_HOME of a node of the cluster, and start the node anew.',
  },
  NODE_IDENTITY_IN_USE: {
    meaning: 'Two running nodes have one identity: a SHOAL_HOME was copied with its identity.key.',
    raisedBy: 'the nodes that meet both, and the nodes themselves',
    remedy: 'Delete identity.key in one of the two homes and start that node anew; it gets an identity of its own.',
  },
  NODE_VERSION_MISMATCH: {
    meaning: 'Two nodes, or a program and its node, speak different versions of the control protocol.',
    raisedBy: 'the side that was called',
    remedy: 'The node speaks another protocol version. Install the same version of Shoal.',
  },
  NODE_NOT_RUNNING: {
    meaning: 'No node answers in this SHOAL_HOME.',
    raisedBy: '`attach`, and commands that need a running node',
    remedy: 'No node is running here. Start one with `shoal node`.',
  },
  NODE_ALREADY_RUNNING: {
    meaning: "Another process has this home's identity.",
    raisedBy: 'a node that starts',
    remedy: 'A node is already running in this SHOAL_HOME. Attach to it, or choose another SHOAL_HOME.',
  },
  NODE_NOT_FOUND: {
    meaning: 'The cluster knows no node of that name or id.',
    raisedBy: 'the node that was asked to operate it',
    remedy: 'List the nodes with `shoal nodes`, and give the name or the id of one.',
  },
  NODE_NOT_DRAINED: {
    meaning: 'Instances could not move away from a node that is drained; it takes no new ones.',
    raisedBy: 'the node that was asked to drain it',
    remedy:
      'Make room on other nodes, or unload the named instances; or `shoal uncordon` the node. `shoal leave --now` ends it without waiting for them.',
  },
  NODE_HOME_UNUSABLE: {
    meaning: "The node's home folder, SHOAL_HOME, cannot be written.",
    raisedBy: 'a node that starts',
    remedy: 'Free space on the disk, make the folder writable for this user, or choose another SHOAL_HOME.',
  },

  CLUSTER_CLOSED: {
    meaning: 'The cluster object, or the node behind it, was closed.',
    raisedBy: 'every call after that',
    remedy: 'The cluster was closed; create a new one.',
  },
  CLUSTER_COMMAND_UNCONFIRMED: {
    meaning: 'No leader confirmed a command in time; whether it takes effect is not known.',
    raisedBy: 'the node that was asked',
    remedy: 'The cluster did not confirm it. Look at its state, then ask again: asking twice does no harm.',
  },
  CLUSTER_STATE_FULL: {
    meaning: 'The cluster keeps as many decisions in force as it can.',
    raisedBy: 'the leader',
    remedy: 'Take back decisions that are no longer needed: uncordon, resume, or drop models.',
  },
} as const satisfies Readonly<Record<string, ErrorDescription>>;

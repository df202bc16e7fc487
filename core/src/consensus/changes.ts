/**
 * What can be decided for the whole cluster: what an operator wants of a node or an instance, whoever was asked and
 * whether or not the node is there to hear it, and which models the cluster is to keep loaded. What only concerns the
 * node itself (its name, whether it leaves) is not decided but said by that node, as a fact.
 */

/** A model that the cluster is to keep loaded. */
export interface ModelWish {
  readonly wish: string;
  readonly model: string;
  /** LoadOptions as JSON. */
  readonly optionsJson: string;
}

export type Change =
  | ({ readonly kind: 'want-model' } & ModelWish)
  | { readonly kind: 'drop-model'; readonly wish: string }
  /** It takes no new shares. */
  | { readonly kind: 'cordon-node'; readonly nodeId: string; readonly reason: string }
  /** It takes no new shares, and the instances that it has a part in move away. */
  | { readonly kind: 'drain-node'; readonly nodeId: string; readonly reason: string }
  /** Neither cordoned nor drained any more. */
  | { readonly kind: 'uncordon-node'; readonly nodeId: string }
  /** Its instances take no new requests. */
  | { readonly kind: 'pause-node'; readonly nodeId: string; readonly reason: string }
  | { readonly kind: 'resume-node'; readonly nodeId: string }
  | { readonly kind: 'pause-instance'; readonly instance: string; readonly reason: string }
  | { readonly kind: 'resume-instance'; readonly instance: string }
  /** A node that has not been seen for long: what it said up to this incarnation is dropped. */
  | { readonly kind: 'forget-node'; readonly nodeId: string; readonly incarnation: number };

/** The register that a change writes, and whether it leaves something in force there that must be kept. */
export function registerOf(change: Change): { readonly key: string; readonly holds: boolean } {
  switch (change.kind) {
    case 'want-model':
      return { key: `model/${change.wish}`, holds: true };
    case 'drop-model':
      return { key: `model/${change.wish}`, holds: false };
    case 'cordon-node':
    case 'drain-node':
      return { key: `shares/${change.nodeId}`, holds: true };
    case 'uncordon-node':
      return { key: `shares/${change.nodeId}`, holds: false };
    case 'pause-node':
      return { key: `requests/${change.nodeId}`, holds: true };
    case 'resume-node':
      return { key: `requests/${change.nodeId}`, holds: false };
    case 'pause-instance':
      return { key: `instance/${change.instance}`, holds: true };
    case 'resume-instance':
      return { key: `instance/${change.instance}`, holds: false };
    case 'forget-node':
      // Once nobody remembers what the node said, nothing is left to drop.
      return { key: `forgotten/${change.nodeId}`, holds: false };
  }
}

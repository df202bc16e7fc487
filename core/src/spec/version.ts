/**
 * Versions of the contracts. A plugin states the version it was written against; the loader refuses another one by
 * name instead of failing later in an unrelated place.
 */
export const specVersions = {
  discovery: 2,
  transport: 1,
  backend: 1,
  sharding: 1,
  engine: 1,
  api: 1,
} as const;

/** Version of the program language (`Program`, `MemberProgram`), written into every program and checked by backends. */
export const programVersion = 1;

/** Version of the control protocol between nodes, compared at the handshake. */
export const controlProtocolVersion = 1;

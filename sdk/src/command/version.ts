import { controlProtocolVersion, programVersion, softwareVersion, specVersions } from '@shoal/core/client';

export interface VersionDescription {
  readonly version: string;
  /** For example `node 22.1.0`. */
  readonly runtime: string;
  /** For example `linux-x64`. */
  readonly platform: string;
  readonly controlProtocol: number;
  readonly program: number;
  /** Versions of the plugin contracts. */
  readonly contracts: Readonly<Record<string, number>>;
}

/** What to say in a report of a defect. */
export function describeVersion(): VersionDescription {
  return {
    version: softwareVersion(),
    runtime: runtimeName(),
    platform: `${process.platform}-${process.arch}`,
    controlProtocol: controlProtocolVersion,
    program: programVersion,
    contracts: specVersions,
  };
}

export function runtimeName(): string {
  const bun = process.versions['bun'];
  return bun === undefined ? `node ${process.versions.node}` : `bun ${bun}`;
}

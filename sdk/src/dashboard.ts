/** The terminal dashboard as the `shoal` command sees it: an optional package, loaded when it is wanted. */
import { importOptional, ShoalError } from '@shoal/core/client';
import type { Cluster } from './cluster.js';

/** How the dashboard shows what it knows. */
export type DashboardFormat = 'screen' | 'lines' | 'json';

export interface DashboardOptions {
  /** Attaches to a node; asked again whenever the connection is lost. */
  readonly connect: (signal: AbortSignal) => Promise<Cluster>;
  /**
   * The cluster object is a node of its own, which only asks: without a peer it has lost its connection.
   */
  readonly needsPeers?: boolean;
  readonly format: DashboardFormat;
  readonly intervalMilliseconds: number;
  /** The screen that is shown first, or the only one that is printed. */
  readonly screen?: string;
  /** How often the figures are printed before it ends; absent: until it is ended. */
  readonly count?: number;
  /** False: none, whatever the terminal can. */
  readonly colours: boolean;
  readonly signal: AbortSignal;
}

/** What the package of the dashboard exports. */
export interface DashboardModule {
  /** Until it is left, or the signal aborts; the node goes on. */
  runDashboard(options: DashboardOptions): Promise<void>;
}

/** Not a literal, or the compiler would want the package that is built on this one. */
const dashboardPackage: string = '@shoal/tui';

/** Rejects with DASHBOARD_NOT_INSTALLED. */
export async function loadDashboard(): Promise<DashboardModule> {
  const found = await importOptional(() => import(dashboardPackage) as Promise<DashboardModule>);
  if ('module' in found) return found.module;
  throw new ShoalError(
    'DASHBOARD_NOT_INSTALLED',
    `the package ${dashboardPackage} cannot be loaded: ${found.unavailable}`,
    {
      details: { package: dashboardPackage, reason: found.unavailable },
    },
  );
}

/** The terminal dashboard of Shoal; the `shoal` command loads it when it is wanted. */
import { ShoalError } from '@shoal/core/client';
import type { DashboardModule, DashboardOptions } from 'shoal';
import { type ScreenName, screenNames } from './keys/key-table.js';
import { runPlain } from './plain.js';
import { allScreens } from './screens/all-screens.js';
import { Dashboard } from './shell/dashboard.js';
import { ClusterSource } from './source/source.js';
import type { Update } from './state/update.js';
import { terminalLook, traitsOf } from './terminal-look.js';
import { BlessedDisplay } from './widgets/blessed-display.js';

export { type ScreenFigures, type ScreenLine, screenLine } from './views/twin.js';

/**
 * Shows the cluster until it is left; what is served goes on. Rejects with ARGUMENT_INVALID for a screen that does not
 * exist; a lost connection is shown, and made anew.
 */
export async function runDashboard(options: DashboardOptions): Promise<void> {
  const { connect, needsPeers = false, format, intervalMilliseconds, count, signal } = options;
  const screen = screenNamed(options.screen);
  const source = (emit: (update: Update) => void) =>
    new ClusterSource({ connect, needsPeers, emit, intervalMilliseconds });
  if (format !== 'screen') {
    await runPlain({ source, output: process.stdout, format, intervalMilliseconds, screen, count }, signal);
    return;
  }
  const { stdin: input, stdout: output } = process;
  const dashboard = new Dashboard({
    source,
    display: (observer) => new BlessedDisplay({ input, output }, observer),
    look: terminalLook(traitsOf(output, options.colours)),
    screens: allScreens,
    intervalMilliseconds,
    screen,
  });
  await dashboard.run(signal);
}

// Compiles only while it is what the command expects.
({ runDashboard }) satisfies DashboardModule;

function screenNamed(name: string | undefined): ScreenName | undefined {
  if (name === undefined) return undefined;
  const found = screenNames.find((one) => one === name);
  if (found) return found;
  throw new ShoalError('ARGUMENT_INVALID', `there is no screen "${name}"; there are ${screenNames.join(', ')}`);
}

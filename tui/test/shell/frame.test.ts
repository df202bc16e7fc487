// Whole frames, at all sizes: nothing is drawn beyond its room, whatever nodes tell and wherever keys lead.
import { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';
import { screenNames } from '@shoal/tui/internal/keys/key-table.js';
import { allScreens } from '@shoal/tui/internal/screens/all-screens.js';
import { drawFrame } from '@shoal/tui/internal/shell/frame.js';
import { initialShell, showScreen } from '@shoal/tui/internal/shell/shell-state.js';
import { applyAll } from '@shoal/tui/internal/state/apply.js';
import { initialState } from '@shoal/tui/internal/state/initial.js';
import type { DashboardState } from '@shoal/tui/internal/state/state.js';
import type { Update } from '@shoal/tui/internal/state/update.js';
import { asciiGlyphs, consoleGlyphs, unicodeGlyphs } from '@shoal/tui/internal/widgets/glyph-set.js';
import { paletteOf } from '@shoal/tui/internal/widgets/style.js';
import { Surface } from '@shoal/tui/internal/widgets/surface.js';
import { textWidth } from '@shoal/tui/internal/widgets/width.js';
import t from 'tap';
import { spoiled } from '../support/garbage.js';
import { begin, everything } from '../support/sample.js';

t.setTimeout(120_000);

const sizes = [
  [1, 1],
  [20, 6],
  [37, 11],
  [60, 20],
  [80, 24],
  [120, 40],
  [200, 50],
  [300, 80],
] as const;

function draw(
  state: DashboardState,
  columns: number,
  rows: number,
  screen: (typeof screenNames)[number],
  glyphs = unicodeGlyphs,
) {
  const surface = new Surface(columns, rows, { glyphs, palette: paletteOf('256', 'unknown') });
  drawFrame(surface, { screens: allScreens, state, shell: showScreen(initialShell(1000), screen), now: begin + 5000 });
  return surface.lines();
}

t.test('every screen at every size', async (t) => {
  const states = { nothing: initialState(begin), everything: applyAll(initialState(begin), everything) };
  for (const [name, state] of Object.entries(states)) {
    for (const screen of screenNames) {
      for (const [columns, rows] of sizes) {
        const lines = draw(state, columns, rows, screen);
        t.equal(lines.length, rows);
        t.ok(
          lines.every((line) => textWidth(line) === columns),
          `${screen} of ${name} at ${columns} by ${rows}`,
        );
      }
    }
  }
});

t.test('names of all kinds, in full on roomy terminals', async (t) => {
  const screen = draw(applyAll(initialState(begin), everything), 160, 50, 'topology').join('\n');
  for (const name of ['anna', 'ben 🐟', 'cleo']) t.match(screen, name);
});

t.test('letters alone where there are no others', async (t) => {
  const state = applyAll(initialState(begin), everything);
  for (const screen of screenNames) {
    t.notMatch(draw(state, 120, 40, screen, asciiGlyphs).join('\n'), /[^\n -~]/, screen);
    t.notMatch(draw(state, 120, 40, screen, consoleGlyphs).join('\n'), /[\u2800-\u28ff]/, `${screen}: no Braille`);
  }
});

t.test('whatever a node tells', async (t) => {
  for (let seed = 0; seed < 20; seed += 1) {
    const random = new SeededRandom(seed);
    const updates = everything.map((update) =>
      random.chance(0.5)
        ? update
        : ({ ...update, ...(spoiled(update, random) as object), kind: update.kind } as Update),
    );
    const state = applyAll(initialState(begin), updates);
    for (const screen of screenNames) {
      const [columns, rows] = random.pick(sizes);
      const lines = draw(state, columns, rows, screen);
      t.ok(
        lines.every((line) => textWidth(line) === columns),
        `seed ${seed}, ${screen} at ${columns} by ${rows}`,
      );
    }
  }
});

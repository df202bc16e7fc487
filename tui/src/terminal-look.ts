/** How things are drawn on the terminal at hand. */
import type { WriteStream } from 'node:tty';
import { glyphSetOf } from './widgets/glyph-set.js';
import { backgroundOf, type ColourDepth, paletteOf } from './widgets/style.js';
import type { Look } from './widgets/surface.js';

export interface TerminalTraits {
  readonly environment: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
  /** False: none, whatever the terminal can. */
  readonly colours: boolean;
  /** Bits of colour, as Node finds them: 1, 4, 8 or 24. */
  readonly colourBits: number;
}

export function terminalLook({ environment, platform, colours, colourBits }: TerminalTraits): Look {
  const depth = colours ? depthOf(environment, colourBits) : 'none';
  return { glyphs: glyphSetOf(environment, platform), palette: paletteOf(depth, backgroundOf(environment)) };
}

function depthOf({ TERM = '' }: NodeJS.ProcessEnv, bits: number): ColourDepth {
  if (bits <= 1) return 'none';
  // Node does not know them all; the name says it.
  if (TERM.includes('256color')) return '256';
  return bits < 8 ? '16' : '256';
}

export function traitsOf(output: WriteStream, colours: boolean): TerminalTraits {
  return { environment: process.env, platform: process.platform, colours, colourBits: output.getColorDepth() };
}

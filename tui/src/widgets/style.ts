/** What text looks like: tones of the views as colours of a terminal of any depth, on any background. */
import type { Tone } from '../views/blocks.js';

export type ColourDepth = 'none' | '16' | '256';

/** What the user's background is; `unknown` gets colours that can be read on both. */
export type Background = 'dark' | 'light' | 'unknown';

/** How a cell looks, as one number: flags, foreground, background, as blessed has it. */
export type Attribute = number;

const standardColour = 0x1ff;
const bold = 1;
const inverse = 8;

export const plain: Attribute = attributeOf(0, standardColour);

function attributeOf(flags: number, foreground: number): Attribute {
  return (flags << 18) | (foreground << 9) | standardColour;
}

export function inverted(attribute: Attribute): Attribute {
  return attribute | (inverse << 18);
}

export function emboldened(attribute: Attribute): Attribute {
  return attribute | (bold << 18);
}

/** Parts of an attribute, for drawings elsewhere than on a terminal. */
export function describeAttribute(attribute: Attribute) {
  const colour = (attribute >> 9) & standardColour;
  const flags = attribute >> 18;
  return {
    colour: colour === standardColour ? undefined : colour,
    isBold: (flags & bold) !== 0,
    isInverted: (flags & inverse) !== 0,
  };
}

type Colours = Readonly<Record<Exclude<Tone, 'plain'>, number>>;

const colours256: Readonly<Record<Background, Colours>> = {
  dark: { dim: 245, accent: 75, good: 114, warning: 215, bad: 203 },
  light: { dim: 242, accent: 25, good: 28, warning: 130, bad: 160 },
  // At least 3.5 to 1 on black and on white.
  unknown: { dim: 243, accent: 32, good: 28, warning: 130, bad: 160 },
};

/** The user's own theme says what these are; dim is left plain, for bright black is invisible in some. */
const colours16: Colours = { dim: standardColour, accent: 6, good: 2, warning: 3, bad: 1 };

export type Palette = Readonly<Record<Tone | 'title' | 'border' | 'key', Attribute>>;

/** Colours of tones. Where there are none, what stands out is bold. */
export function paletteOf(depth: ColourDepth, background: Background): Palette {
  const colours = depth === '256' ? colours256[background] : colours16;
  const tone = (name: keyof Colours, flags = 0) =>
    attributeOf(flags, depth === 'none' ? standardColour : colours[name]);
  return {
    plain,
    dim: tone('dim'),
    accent: tone('accent', depth === 'none' ? bold : 0),
    good: tone('good'),
    warning: tone('warning', depth === 'none' ? bold : 0),
    bad: tone('bad', bold),
    title: tone('accent', bold),
    border: tone('dim'),
    key: emboldened(plain),
  };
}

/** From what terminals tell of themselves: `COLORFGBG=15;0`. */
export function backgroundOf(environment: NodeJS.ProcessEnv): Background {
  const last = environment.COLORFGBG?.split(';').at(-1);
  if (last === undefined || !/^\d+$/.test(last)) return 'unknown';
  const colour = Number(last);
  return colour === 7 || colour === 15 ? 'light' : 'dark';
}

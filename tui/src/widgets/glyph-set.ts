/** What can be drawn with: Braille and blocks, what the console of Linux has, or letters alone. */
export interface GlyphSet {
  readonly name: 'unicode' | 'console' | 'ascii';
  readonly horizontal: string;
  readonly vertical: string;
  readonly topLeft: string;
  readonly topRight: string;
  readonly bottomLeft: string;
  readonly bottomRight: string;
  /** Of a bar: what is filled, what is not, and what is not known. */
  readonly full: string;
  readonly rest: string;
  readonly unknown: string;
  /** Of stacked bars, part by part: told apart without colours, too. */
  readonly parts: readonly string[];
  /** From nothing to all. */
  readonly levels: readonly string[];
  readonly ellipsis: string;
  readonly separator: string;
  readonly bullet: string;
  readonly hasBraille: boolean;
  /** Whether text of any language is shown as it is. */
  readonly hasAllLetters: boolean;
}

export const unicodeGlyphs: GlyphSet = {
  name: 'unicode',
  horizontal: '─',
  vertical: '│',
  topLeft: '╭',
  topRight: '╮',
  bottomLeft: '╰',
  bottomRight: '╯',
  full: '█',
  rest: '░',
  unknown: '·',
  parts: ['█', '▓', '▒', '░'],
  levels: [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  ellipsis: '…',
  separator: '·',
  bullet: '●',
  hasBraille: true,
  hasAllLetters: true,
};

/** The fonts of Linux' console have the letters and blocks of the IBM PC. */
export const consoleGlyphs: GlyphSet = {
  ...unicodeGlyphs,
  name: 'console',
  topLeft: '┌',
  topRight: '┐',
  bottomLeft: '└',
  bottomRight: '┘',
  levels: [' ', '_', '▄', '█'],
  ellipsis: '~',
  bullet: '*',
  hasBraille: false,
};

export const asciiGlyphs: GlyphSet = {
  name: 'ascii',
  horizontal: '-',
  vertical: '|',
  topLeft: '+',
  topRight: '+',
  bottomLeft: '+',
  bottomRight: '+',
  full: '#',
  rest: '.',
  unknown: '?',
  parts: ['#', '=', '-', '.'],
  levels: [' ', '.', ':', '|', '#'],
  ellipsis: '~',
  separator: '-',
  bullet: '*',
  hasBraille: false,
  hasAllLetters: false,
};

export function glyphSetOf(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): GlyphSet {
  if (platform !== 'win32') {
    const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || '';
    if (!/utf-?8/i.test(locale)) return asciiGlyphs;
  }
  return environment.TERM === 'linux' ? consoleGlyphs : unicodeGlyphs;
}

/** Where a command prints: plain text by default, colours and progress only on a terminal, JSON when asked. */

export interface TerminalOptions {
  readonly output?: NodeJS.WritableStream;
  readonly diagnostics?: NodeJS.WritableStream;
  readonly environment?: NodeJS.ProcessEnv;
  /** JSON alone goes out: no progress, no remarks. */
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** False: `--no-color`. */
  readonly colours?: boolean;
}

const widest = 100;
const widthWithoutTerminal = 80;
const narrowest = 40;

export class Terminal {
  readonly output: NodeJS.WritableStream;
  readonly diagnostics: NodeJS.WritableStream;
  /** Standard output shows colours. */
  readonly colours: boolean;
  /** Progress may be redrawn on standard error. */
  readonly interactive: boolean;
  /** Only JSON is printed. */
  readonly isJson: boolean;
  /** Neither progress nor remarks. */
  readonly isQuiet: boolean;
  readonly #diagnosticColours: boolean;
  #liveLines = 0;

  constructor(options: TerminalOptions = {}) {
    const environment = options.environment ?? process.env;
    this.output = options.output ?? process.stdout;
    this.diagnostics = options.diagnostics ?? process.stderr;
    this.isJson = options.json ?? false;
    this.isQuiet = options.quiet === true || this.isJson;
    const allowed = options.colours ?? true;
    this.colours = allowed && showsColours(this.output, environment);
    this.#diagnosticColours = allowed && showsColours(this.diagnostics, environment);
    this.interactive = isTerminal(this.diagnostics) && environment.TERM !== 'dumb' && !this.isQuiet;
  }

  /** Columns that text should fit into. */
  get width(): number {
    const columns = (this.output as { readonly columns?: unknown }).columns;
    const known = typeof columns === 'number' && columns > 0 ? columns : widthWithoutTerminal;
    return Math.max(narrowest, Math.min(widest, known));
  }

  write(text: string): void {
    this.clearProgress();
    this.output.write(text);
  }

  line(text = ''): void {
    this.write(`${text}\n`);
  }

  json(value: unknown): void {
    this.write(`${JSON.stringify(value)}\n`);
  }

  /** A remark beside the result: goes to standard error, so that pipes carry the result alone. */
  note(text: string): void {
    if (this.isQuiet) return;
    this.clearProgress();
    this.diagnostics.write(`${this.#diagnosticColours ? `\u001b[2m${text}\u001b[22m` : text}\n`);
  }

  /** Lines that replace those of the last call; nothing where no terminal shows them. */
  live(lines: readonly string[]): void {
    if (!this.interactive) return;
    const columns = (this.diagnostics as { readonly columns?: unknown }).columns;
    // A line that wraps could not be replaced.
    const fitting =
      typeof columns === 'number' && columns > 0 ? lines.map((line) => line.slice(0, columns - 1)) : lines;
    this.diagnostics.write(`${this.#eraseLive()}${fitting.join('\n')}`);
    this.#liveLines = fitting.length;
  }

  /** One line that replaces itself. */
  progress(label: string, fraction: number): void {
    this.live([`${label} ${progressBar(fraction)} ${Math.floor(fraction * 100)} %`]);
  }

  clearProgress(): void {
    if (this.#liveLines === 0) return;
    this.diagnostics.write(this.#eraseLive());
    this.#liveLines = 0;
  }

  /** Resolves when everything has been handed to the system, so that ending the process loses nothing. */
  async flushed(): Promise<void> {
    for (const stream of [this.output, this.diagnostics]) {
      if (stream.writable) await new Promise<void>((resolve) => stream.write('', () => resolve()));
    }
  }

  bold(text: string): string {
    return this.#style('1', '22', text);
  }

  dim(text: string): string {
    return this.#style('2', '22', text);
  }

  green(text: string): string {
    return this.#style('32', '39', text);
  }

  yellow(text: string): string {
    return this.#style('33', '39', text);
  }

  red(text: string): string {
    return this.#style('31', '39', text);
  }

  #eraseLive(): string {
    if (this.#liveLines === 0) return '';
    return `\r\u001b[2K${'\u001b[1A\u001b[2K'.repeat(this.#liveLines - 1)}`;
  }

  #style(on: string, off: string, text: string): string {
    return this.colours ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  }
}

/** `████████░░░░` for a part of the whole between 0 and 1. */
export function progressBar(fraction: number, width = 24): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
}

/** Forced by FORCE_COLOR (0: forced off), refused by NO_COLOR, else a matter of the terminal. */
function showsColours(stream: NodeJS.WritableStream, environment: NodeJS.ProcessEnv): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: refused, TERM: kind } = environment;
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  if (refused !== undefined && refused !== '') return false;
  return isTerminal(stream) && kind !== 'dumb';
}

function isTerminal(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}

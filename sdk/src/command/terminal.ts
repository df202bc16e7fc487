/** Where a command prints: plain text by default, colours and progress only on a terminal, JSON when asked. */
export class Terminal {
  /** Standard output is a terminal that shows colours. */
  readonly colours: boolean;
  /** Progress may be redrawn on standard error. */
  readonly interactive: boolean;
  #progressShown = false;

  constructor(
    readonly output: NodeJS.WritableStream = process.stdout,
    readonly diagnostics: NodeJS.WritableStream = process.stderr,
    environment: NodeJS.ProcessEnv = process.env,
  ) {
    const plain = environment.NO_COLOR !== undefined || environment.TERM === 'dumb';
    this.colours = isTerminal(output) && !plain;
    this.interactive = isTerminal(diagnostics) && environment.TERM !== 'dumb';
  }

  write(text: string): void {
    this.output.write(text);
  }

  line(text = ''): void {
    this.output.write(`${text}\n`);
  }

  json(value: unknown): void {
    this.output.write(`${JSON.stringify(value)}\n`);
  }

  /** A remark beside the result: goes to standard error, so that pipes carry the result alone. */
  note(text: string): void {
    this.clearProgress();
    this.diagnostics.write(`${this.dim(text)}\n`);
  }

  /** One line that replaces itself; nothing where no terminal shows it. */
  progress(label: string, fraction: number): void {
    if (!this.interactive) return;
    const width = 24;
    const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
    this.diagnostics.write(`\r\u001b[2K${label} ${bar} ${Math.round(fraction * 100)} %`);
    this.#progressShown = true;
  }

  clearProgress(): void {
    if (!this.#progressShown) return;
    this.diagnostics.write('\r\u001b[2K');
    this.#progressShown = false;
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

  red(text: string): string {
    return this.#style('31', '39', text);
  }

  #style(on: string, off: string, text: string): string {
    return this.colours ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  }
}

function isTerminal(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}

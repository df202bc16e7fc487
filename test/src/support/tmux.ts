import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { commandScript } from './repository.js';

const run = promisify(execFile);

/** Why there is no terminal to try programs in; false where there is. */
export const noTmux = spawnSync('tmux', ['-V']).status === 0 ? false : 'tmux is not installed';

export interface TmuxOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a person would have waited for; far more than is needed on a busy machine. */
const deadlineMilliseconds = Number(process.env.TMUX_DEADLINE ?? 60_000);
const lookMilliseconds = 50;

/** A program in a terminal of its own: what it shows is seen, and keys are pressed. */
export class Tmux implements AsyncDisposable {
  private constructor(private readonly socket: string) {}

  /** Runs `shoal` with these words. When it ends, its exit code is shown. */
  static async shoal(words: readonly string[], options: TmuxOptions = {}): Promise<Tmux> {
    const { columns = 100, rows = 30, environment = {} } = options;
    const tmux = new Tmux(`shoal-test-${process.pid}-${randomBytes(4).toString('hex')}`);
    const variables = Object.entries({ LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TERM: 'xterm-256color', ...environment });
    const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
    // Node takes a terminal of a CI for one without colours.
    const unset = ['NO_COLOR', 'FORCE_COLOR', 'COLORTERM', 'TMUX', 'TERM_PROGRAM', 'CI', 'TEAMCITY_VERSION'].filter(
      (name) => environment[name] === undefined,
    );
    const command = [
      'env',
      ...unset.flatMap((name) => ['-u', name]),
      ...variables.map(([name, value]) => `${name}=${value}`),
      process.execPath,
      commandScript,
      ...words,
    ];
    const line = `${command.map(quote).join(' ')}; echo "ended with $?"; sleep 600`;
    const size = ['-x', String(columns), '-y', String(rows)];
    // Its own server and no settings of the user: nothing else is in the way.
    await tmux.call(['-f', '/dev/null', '-u', 'new-session', '-d', ...size, 'sh', '-c', line]);
    return tmux;
  }

  /** Lines as they are seen. */
  async screen(): Promise<string> {
    return this.call(['-u', 'capture-pane', '-p']);
  }

  /** What is seen, with its colours as they are sent to a terminal. */
  async colouredScreen(): Promise<string> {
    return this.call(['-u', 'capture-pane', '-p', '-e']);
  }

  /** Presses keys, by tmux' names: `Enter`, `Escape`, `Tab`, `Up`, `C-c`, or a letter. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.call(['send-keys', ...keys.map((key) => (key === ';' ? '\\;' : key))]);
  }

  async type(text: string): Promise<void> {
    await this.call(['-u', 'send-keys', '-l', text]);
  }

  /** A click with the left button, as terminals report it. */
  async click(column: number, row: number): Promise<void> {
    const at = `${column + 1};${row + 1}`;
    await this.call(['send-keys', '-l', `\u001b[<0;${at}M\u001b[<0;${at}m`]);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.call(['resize-window', '-x', String(columns), '-y', String(rows)]);
  }

  /** Resolves with the screen as soon as it is as wanted; rejects with the last one at the deadline. */
  async shows(wanted: RegExp | ((screen: string) => boolean), what = String(wanted)): Promise<string> {
    const isAsWanted = typeof wanted === 'function' ? wanted : (screen: string) => wanted.test(screen);
    const end = performance.now() + deadlineMilliseconds;
    for (;;) {
      const screen = await this.screen();
      if (isAsWanted(screen)) return screen;
      if (performance.now() > end) throw new Error(`the terminal never showed ${what}:\n${screen}`);
      await sleep(lookMilliseconds);
    }
  }

  /** Presses keys and waits for what they do. */
  async after(keys: readonly string[], wanted: RegExp | ((screen: string) => boolean)): Promise<string> {
    await this.press(...keys);
    return this.shows(wanted, `${String(wanted)} after ${keys.join(' ')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.call(['kill-server']).catch(() => undefined);
  }

  private async call(args: readonly string[]): Promise<string> {
    const { stdout } = await run('tmux', ['-L', this.socket, ...args], { maxBuffer: 1 << 22 });
    return stdout;
  }
}

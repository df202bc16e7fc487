/** The dashboard on a terminal: keys and news come in, frames go out. */
import { ShoalError } from '@shoal/core/client';
import { completed, completionsOf, type Order, parseOrder } from '../keys/commands.js';
import { type ActionName, actionOf, type ScreenName, screenNames } from '../keys/key-table.js';
import type { Screen } from '../screens/screen.js';
import type { ClusterSource } from '../source/source.js';
import { apply, questionKey } from '../state/apply.js';
import { initialState } from '../state/initial.js';
import type { DashboardState, NodeState } from '../state/state.js';
import type { Update } from '../state/update.js';
import type { Tone } from '../views/blocks.js';
import type { Display, DisplayObserver, KeyPress, MousePress } from '../widgets/display.js';
import { edit, entered, type InputLine, inputLine, withText } from '../widgets/input-line.js';
import { type Look, type Region, Surface } from '../widgets/surface.js';
import { Conversation } from './conversation.js';
import { drawFrame, type Frame } from './frame.js';
import { perform, questionOf } from './orders.js';
import type { Mode, ShellState } from './shell-state.js';
import * as shells from './shell-state.js';

export interface DashboardParts {
  readonly source: (emit: (update: Update) => void) => ClusterSource;
  readonly display: (observer: DisplayObserver) => Display;
  readonly look: Look;
  readonly screens: Readonly<Record<ScreenName, Screen>>;
  readonly intervalMilliseconds: number;
  /** That is shown first. */
  readonly screen?: ScreenName | undefined;
}

/** News is shown at most so often; what is typed is shown at once. */
const newsMilliseconds = 100;
const typedMilliseconds = 15;
const messageMilliseconds = 8000;
const wheelRows = 3;

export class Dashboard implements DisplayObserver {
  private state: DashboardState = initialState(Date.now());
  /** What is shown while the picture is held. */
  private held: DashboardState | undefined;
  private shell: ShellState;
  private readonly source: ClusterSource;
  private readonly conversation: Conversation;
  private readonly display: Display;
  private surface: Surface;
  private frame: Frame | undefined;
  private isFrameStale = false;
  private timer: NodeJS.Timeout | undefined;
  private timerEnds = 0;
  private drawnAt = 0;
  private readonly over: Promise<void>;
  private end: () => void = () => undefined;

  constructor(private readonly parts: DashboardParts) {
    this.shell = shells.initialShell(parts.intervalMilliseconds, parts.screen);
    this.over = new Promise((resolve) => {
      this.end = resolve;
    });
    this.display = parts.display(this);
    this.surface = this.newSurface();
    this.source = parts.source((update) => this.news(update));
    this.conversation = new Conversation(this.source, () => this.state);
  }

  /** Until it is left, or the signal aborts. Whatever is served goes on. */
  async run(signal: AbortSignal): Promise<void> {
    const quit = () => this.end();
    signal.addEventListener('abort', quit, { once: true });
    try {
      this.draw();
      this.source.start();
      if (!signal.aborted) await this.over;
    } finally {
      signal.removeEventListener('abort', quit);
      clearTimeout(this.timer);
      this.display.close();
      this.conversation.stop();
      await this.source.stop();
    }
  }

  private news(update: Update): void {
    this.state = apply(this.state, update);
    if (this.held && update.kind !== 'connection') return;
    this.drawWithin(Math.max(20, newsMilliseconds - (performance.now() - this.drawnAt)));
  }

  resized(): void {
    this.surface = this.newSurface();
    this.drawWithin(0);
  }

  key(press: KeyPress): void {
    this.pressed(() => this.afterKey(this.shell, press));
  }

  mouse(press: MousePress): void {
    this.pressed(() => this.afterMouse(this.shell, press));
  }

  /** What is pressed is about what will be seen, though keys may come faster than frames. */
  private pressed(next: () => ShellState): void {
    if (this.isFrameStale) this.compose();
    this.shell = shells.withoutReadMessage(this.shell, Date.now());
    this.shell = next();
    this.isFrameStale = true;
    this.drawWithin(typedMilliseconds);
  }

  private newSurface(): Surface {
    return new Surface(this.display.columns, this.display.rows, this.parts.look);
  }

  private drawWithin(milliseconds: number): void {
    const ends = performance.now() + milliseconds;
    if (this.timer !== undefined && this.timerEnds <= ends) return;
    clearTimeout(this.timer);
    this.timerEnds = ends;
    this.timer = setTimeout(() => this.draw(), milliseconds);
  }

  private draw(): void {
    this.timer = undefined;
    if (this.display.isBehind) {
      this.drawWithin(newsMilliseconds);
      return;
    }
    this.drawnAt = performance.now();
    const { cursor } = this.compose();
    this.display.show(this.surface, cursor);
  }

  private compose(): Frame {
    const state = this.held ? { ...this.held, connection: this.state.connection } : this.state;
    const frame = drawFrame(this.surface, { screens: this.parts.screens, state, shell: this.shell, now: Date.now() });
    this.frame = frame;
    this.isFrameStale = false;
    return frame;
  }

  private afterKey(shell: ShellState, press: KeyPress): ShellState {
    // In every mode: a terminal that is left must not need to be closed.
    if (press.key === 'C-c') return this.interrupted(shell);
    const { mode } = shell;
    switch (mode.kind) {
      case 'filter':
        return this.filterKey(shell, mode, press);
      case 'command':
        return this.commandKey(shell, mode, press);
      case 'chat':
        return this.chatKey(shell, mode, press);
      case 'confirm':
        if (press.key === 'y' || press.key === 'Y') return this.ordered(toKeys(shell), mode.order);
        return press.key === 'n' || press.key === 'N' || press.key === 'escape' || press.key === 'q'
          ? toKeys(shell)
          : shell;
      case 'help':
      case 'details':
        return this.overKey(shell, mode, press);
      default: {
        const action = actionOf(press, shell.screen);
        return action === undefined ? shell : this.act(shell, action);
      }
    }
  }

  /** Stops an answer first; what is typed second; and then it is left. */
  private interrupted(shell: ShellState): ShellState {
    if (this.state.chat.phase !== 'idle' && shell.screen === 'chat') {
      this.conversation.stop();
      return shell;
    }
    if (shell.mode.kind !== 'keys') return toKeys(shell);
    this.end();
    return shell;
  }

  private act(shell: ShellState, action: ActionName): ShellState {
    const panes = this.frame?.panes ?? [];
    const selected = this.frame?.selected;
    const pane = shells.focusedPane(shell, panes);
    const page = pane?.pageRows ?? 1;
    const go = (rows: number) => shells.move(shell, panes, selected, rows);
    switch (action) {
      case 'next-pane':
        return shells.focusPane(shell, panes, 1);
      case 'previous-pane':
        return shells.focusPane(shell, panes, -1);
      case 'up':
        return go(-1);
      case 'down':
        return go(1);
      case 'left':
        return pane?.id === 'map' ? go(-1) : shells.focusPane(shell, panes, -1);
      case 'right':
        return pane?.id === 'map' ? go(1) : shells.focusPane(shell, panes, 1);
      case 'page-up':
        return go(-page);
      case 'page-down':
        return go(page);
      case 'first':
        return go(-1e9);
      case 'last':
        return go(1e9);
      case 'open':
        return this.open(shell);
      case 'back':
        return shells.goBack(shell);
      case 'filter':
        return shells.beginFilter(shell);
      case 'command':
        return { ...shell, mode: { kind: 'command', line: inputLine(shell.commandHistory), candidates: [] } };
      case 'help':
        return { ...shell, mode: { kind: 'help', scroll: 0 } };
      case 'cordon':
      case 'drain':
        return this.nodeOrder(shell, action);
      case 'toggle-pause':
        this.held = shell.isHeld ? undefined : this.state;
        return { ...shell, isHeld: !shell.isHeld };
      case 'faster':
        return this.paced(shells.withInterval(shell, 0.5));
      case 'slower':
        return this.paced(shells.withInterval(shell, 2));
      case 'type':
        return { ...shell, mode: { kind: 'chat', line: inputLine(shell.chatHistory) } };
      case 'stop-answer':
        this.conversation.stop();
        return shell;
      case 'next-model':
        this.conversation.chooseNext();
        return shell;
      case 'new-chat':
        this.conversation.clear();
        return shell;
      case 'load-model':
        return selected === undefined ? shell : this.asked(shell, { kind: 'load', model: selected });
      case 'unload-model':
        return selected === undefined ? shell : this.asked(shell, { kind: 'unload', model: selected });
      case 'explain':
        return this.explained(shell, selected);
      case 'toggle-faults':
        return shells.withScreen(shell, { faultsOnly: !shells.current(shell).faultsOnly });
      case 'toggle-follow':
        return shells.withScreen(shell, { followsEnd: !shells.current(shell).followsEnd });
      case 'redraw':
        this.display.forget();
        return shell;
      case 'quit':
        this.end();
        return shell;
      default:
        return shells.showScreen(shell, screenOf(action));
    }
  }

  private paced(shell: ShellState): ShellState {
    this.source.interval = shell.intervalMilliseconds;
    void this.source.look();
    return shell;
  }

  /** A node of the map is shown on its own screen; everything else tells more of itself. */
  private open(shell: ShellState): ShellState {
    const { selected, panes = [], details = [] } = this.frame ?? {};
    if (selected === undefined) return shell;
    if (shell.screen === 'topology' && this.state.nodes.some(({ nodeId }) => nodeId === selected)) {
      return shells.withScreen(shells.showScreen(shell, 'node'), { selected }, 'node');
    }
    const told = panes.flatMap(({ factsOf }) => factsOf?.(selected) ?? []);
    const labels = new Set(told.map(({ label }) => label));
    const facts = [...told, ...details.filter(({ label }) => !labels.has(label))];
    if (facts.length === 0) return shell;
    return { ...shell, mode: { kind: 'details', title: 'Details', facts, scroll: 0 } };
  }

  private nodeOrder(shell: ShellState, kind: 'cordon' | 'drain'): ShellState {
    const node = this.selectedNode();
    if (node === undefined) return this.withMessage(shell, 'select one node first', 'warning');
    if (kind === 'drain') return this.asked(shell, { kind, node: node.nodeName });
    return this.asked(shell, { kind: node.cordoned === undefined ? 'cordon' : 'uncordon', node: node.nodeName });
  }

  private selectedNode(): NodeState | undefined {
    return this.state.nodes.find(({ nodeId }) => nodeId === this.frame?.selected);
  }

  /** On the models' screen the selected model; on the plans' screen that of the selected plan. */
  private explained(shell: ShellState, selected: string | undefined): ShellState {
    const known = this.state.instances.find(({ instance }) => instance === selected)?.modelName;
    const asked = this.state.explanations[0]?.question.model;
    const model = known ?? (shell.screen === 'models' ? selected : asked);
    if (model === undefined) return this.withMessage(shell, 'which model? :plan MODEL', 'warning');
    return this.asked(shell, { kind: 'plan', model, without: [], added: [] });
  }

  private filterKey(shell: ShellState, mode: Extract<Mode, { kind: 'filter' }>, press: KeyPress): ShellState {
    if (press.key === 'enter') return toKeys(shell);
    if (press.key === 'escape') return shells.withScreen(toKeys(shell), { filter: mode.before });
    const line = edit(mode.line, press);
    return line === undefined ? shell : shells.withScreen({ ...shell, mode: { ...mode, line } }, { filter: line.text });
  }

  private commandKey(shell: ShellState, mode: Extract<Mode, { kind: 'command' }>, press: KeyPress): ShellState {
    if (press.key === 'escape') return toKeys(shell);
    if (press.key === 'backspace' && mode.line.text === '') return toKeys(shell);
    if (press.key === 'tab') {
      const candidates = completionsOf(mode.line.text, this.state);
      const line = withText(mode.line, completed(mode.line.text, candidates));
      return { ...shell, mode: { ...mode, line, candidates: candidates.length > 1 ? candidates : [] } };
    }
    if (press.key !== 'enter') {
      const line = edit(mode.line, press);
      return line === undefined ? shell : { ...shell, mode: { ...mode, line, candidates: [] } };
    }
    const order = parseOrder(mode.line.text);
    const next = { ...toKeys(shell), commandHistory: entered(mode.line).history };
    return 'problem' in order ? this.withMessage(next, order.problem, 'warning') : this.asked(next, order);
  }

  private chatKey(shell: ShellState, mode: Extract<Mode, { kind: 'chat' }>, press: KeyPress): ShellState {
    if (press.key === 'escape') return toKeys(shell);
    const panes = this.frame?.panes ?? [];
    if (press.key === 'pageup') return shells.move(shell, panes, undefined, -10);
    if (press.key === 'pagedown') return shells.move(shell, panes, undefined, 10);
    if (press.key !== 'enter') {
      const line = edit(mode.line, press);
      return line === undefined ? shell : { ...shell, mode: { ...mode, line } };
    }
    const text = mode.line.text.trim();
    if (text === '') return shell;
    this.say(() => this.conversation.ask(text).then(() => undefined));
    const line: InputLine = entered(mode.line);
    const unscrolled = shells.withScreen(shell, { scroll: {} });
    return { ...unscrolled, mode: { kind: 'chat', line }, chatHistory: line.history };
  }

  private overKey(shell: ShellState, mode: Extract<Mode, { kind: 'help' | 'details' }>, press: KeyPress): ShellState {
    const furthest = this.frame?.furthestScroll ?? 0;
    const scrolled = (rows: number) => ({
      ...shell,
      mode: { ...mode, scroll: Math.min(furthest, Math.max(0, mode.scroll + rows)) },
    });
    const action = actionOf(press, shell.screen);
    if (action === 'up') return scrolled(-1);
    if (action === 'down') return scrolled(1);
    if (action === 'page-up') return scrolled(-10);
    if (action === 'page-down') return scrolled(10);
    const closes = action === 'back' || action === 'quit' || press.key === 'enter' || press.key === '?';
    if (closes) return toKeys(shell);
    // A screen was asked for: its number need not be typed twice.
    return action?.startsWith('show-') ? this.act(toKeys(shell), action) : shell;
  }

  private afterMouse(shell: ShellState, { action, x, y }: MousePress): ShellState {
    const { frame } = this;
    if (!frame) return shell;
    if (action === 'press' && (shell.mode.kind === 'help' || shell.mode.kind === 'details')) return toKeys(shell);
    const tab = frame.tabs.find(({ region }) => isWithin(region, x, y));
    if (tab && action === 'press') return shells.showScreen(shell, tab.screen);
    const hit = frame.hits.findLast(({ region }) => isWithin(region, x, y));
    if (hit === undefined || shell.mode.kind === 'confirm') return shell;
    const focused = shells.withScreen(shell, { focused: hit.pane });
    if (action !== 'press') {
      const rows = action === 'wheel-up' ? -wheelRows : wheelRows;
      return shells.move(focused, frame.panes, frame.selected, rows);
    }
    if (hit.pane === 'messages' && shell.mode.kind === 'keys') return this.act(focused, 'type');
    const pane = frame.panes.find(({ id }) => id === hit.pane);
    const { rowId } = hit;
    if (rowId === undefined || !pane?.rowIds.includes(rowId)) return focused;
    // Once more on the same opens it, as Enter does.
    if (rowId === frame.selected && shells.current(shell).focused === hit.pane) return this.open(shell);
    return shells.withScreen(focused, { selected: rowId, ...(pane.followsEnd ? { followsEnd: false } : {}) });
  }

  /** Asks first where that is due. */
  private asked(shell: ShellState, order: Order): ShellState {
    const question = questionOf(order);
    return question === undefined
      ? this.ordered(shell, order)
      : { ...shell, mode: { kind: 'confirm', question, order } };
  }

  private ordered(shell: ShellState, order: Order): ShellState {
    switch (order.kind) {
      case 'show':
        return shells.showScreen(shell, order.screen);
      case 'help':
        return { ...shell, mode: { kind: 'help', scroll: 0 } };
      case 'quit':
        this.end();
        return shell;
      default: {
        this.say(() => perform(order, this.source, () => this.state));
        const next = order.kind === 'plan' ? showPlanOf(shell, order) : shell;
        return this.withMessage(next, `${order.kind} …`, 'dim');
      }
    }
  }

  /** Does something that takes its time, and says how it ended. */
  private say(work: () => Promise<string | undefined>): void {
    const told = (text: string, tone: Tone) => {
      this.shell = this.withMessage(this.shell, text, tone);
      this.drawWithin(0);
    };
    void work().then(
      (text) => {
        if (typeof text === 'string') told(text, 'good');
      },
      (thrown: unknown) => {
        const { code, message } = ShoalError.from(thrown);
        told(`${code}: ${message}`, 'bad');
      },
    );
  }

  private withMessage(shell: ShellState, text: string, tone: Tone): ShellState {
    // So that it goes away by itself.
    setTimeout(() => this.drawWithin(0), messageMilliseconds + 50).unref();
    return { ...shell, message: { text, tone, since: Date.now(), until: Date.now() + messageMilliseconds } };
  }
}

function toKeys(shell: ShellState): ShellState {
  return { ...shell, mode: { kind: 'keys' } };
}

/** The plan that was asked for is the one that is looked at. */
function showPlanOf(shell: ShellState, { model, without, added }: Extract<Order, { kind: 'plan' }>): ShellState {
  return shells.withScreen(
    shells.showScreen(shell, 'plan'),
    { selected: questionKey({ model, without, added }) },
    'plan',
  );
}

function screenOf(action: ActionName): ScreenName {
  return screenNames.find((name) => action === `show-${name}`) ?? 'topology';
}

function isWithin({ left, top, width, height }: Region, x: number, y: number): boolean {
  return x >= left && x < left + width && y >= top && y < top + height;
}

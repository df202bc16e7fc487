/** 4: a conversation with a model that is loaded. */
import type { DashboardState } from '../state/state.js';
import { chatView } from '../views/chat.js';
import type { ChatView } from '../views/view-models.js';
import type { Position } from '../widgets/display.js';
import { drawCell } from '../widgets/facts.js';
import { drawInputLine } from '../widgets/input-line.js';
import { drawMessages } from '../widgets/message-log.js';
import { type Block, type Drawing, sideBySide } from './drawing.js';
import type { DrawnScreen, ScreenContext } from './screen.js';

export function drawChat(drawing: Drawing, state: DashboardState, context: ScreenContext): DrawnScreen {
  const view = chatView(state, context);
  const { region } = drawing;
  const bottom = region.part(0, region.height - 2);
  const upper = region.part(0, 0, region.width, region.height - 2);
  const models = drawing.table('models', view.models, { grows: 1 });
  if (context.width === 'wide') {
    const [left, right] = sideBySide(upper, [3, 1]);
    if (left) drawing.stack(left, [messagesBlock(drawing, view)]);
    if (right) drawing.stack(right, [models]);
  } else drawing.stack(upper, [messagesBlock(drawing, view)]);
  drawCell(bottom, 0, 0, view.status);
  return { cursor: drawTyping(bottom, view, context) };
}

function messagesBlock(drawing: Drawing, { messages, title, models }: ChatView): Block {
  const pane = 'messages';
  return {
    pane,
    title: `Chat with ${title.text}`,
    least: 3,
    wanted: 3,
    grows: 1,
    draw: (region) => {
      const furthestScroll = drawMessages(region, messages, drawing.state.scroll[pane] ?? 0);
      drawing.panes.push({ id: pane, rowIds: [], pageRows: region.height, furthestScroll, scrollsFromEnd: true });
      if (messages.length > 0) return;
      const hint = models.rows.length === 0 ? models.empty : 'Enter begins a message';
      region.writeWithin(0, 0, region.width, hint, region.look.palette.dim);
    },
  };
}

function drawTyping(region: Drawing['region'], { canAsk }: ChatView, { typing }: ScreenContext): Position | undefined {
  const line = region.part(0, 1, region.width, 1);
  if (typing) return drawInputLine(line, canAsk ? '> ' : '… ', typing);
  line.write(0, 0, '>', line.look.palette.dim);
  return undefined;
}

// Draws docs/dashboard.svg: screens of the dashboard over a real cluster of three nodes on this machine, one after the other.
// Run it after a change of the screens: `node scripts/dashboard-picture.mjs`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { allScreens } from '@shoal/tui/internal/screens/all-screens.js';
import { Dashboard } from '@shoal/tui/internal/shell/dashboard.js';
import { ClusterSource } from '@shoal/tui/internal/source/source.js';
import { unicodeGlyphs } from '@shoal/tui/internal/widgets/glyph-set.js';
import { describeAttribute, paletteOf } from '@shoal/tui/internal/widgets/style.js';
import { continuation } from '@shoal/tui/internal/widgets/surface.js';
import { attach } from 'shoal';
import { main, root, say } from './tools.mjs';

const columns = 110;
const rows = 34;
const command = join(root, 'sdk', 'dist', 'command', 'main.js');
const target = join(root, 'docs', 'dashboard.svg');
const sceneSeconds = 4;
const deadlineMilliseconds = 60_000;

const cell = { width: 8.4, height: 17 };
const margin = 12;
const foreground = '#d7dae0';
const background = '#16181d';
/** The first sixteen of a terminal; the others follow by rule. */
const named = [
  ...['#1c1f26', '#e06c75', '#98c379', '#d7a65f', '#61afef', '#c678dd', '#56b6c2', '#d7dae0'],
  ...['#5c6370', '#e88a92', '#b0d494', '#e5c07b', '#8cc5f5', '#d69ae6', '#7fd1db', '#ffffff'],
];

function colourOf(index) {
  if (index < 16) return named[index];
  const hexadecimal = (value) => value.toString(16).padStart(2, '0');
  if (index >= 232) return `#${hexadecimal(8 + (index - 232) * 10).repeat(3)}`;
  const level = (value) => hexadecimal(value === 0 ? 0 : 55 + value * 40);
  const cube = index - 16;
  return `#${level(Math.floor(cube / 36))}${level(Math.floor(cube / 6) % 6)}${level(cube % 6)}`;
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Cells that look alike, side by side. */
function* runsOf({ texts, attributes, width }, y) {
  let run;
  for (let x = 0; x < width; x += 1) {
    const text = texts[y * width + x];
    const attribute = attributes[y * width + x];
    const isWide = texts[y * width + x + 1] === continuation && x + 1 < width;
    if (text === continuation) continue;
    if (run && run.attribute === attribute && !run.isWide && !isWide) {
      run.text += text;
      run.cells += 1;
      continue;
    }
    if (run) yield run;
    run = { x, text, attribute, cells: isWide ? 2 : 1, isWide };
  }
  if (run) yield run;
}

function drawLine(surface, y) {
  return [...runsOf(surface, y)].flatMap(({ x, text, attribute, cells }) => {
    const { colour, isBold, isInverted } = describeAttribute(attribute);
    const front = colour === undefined ? foreground : colourOf(colour);
    const left = margin + x * cell.width;
    const top = margin + y * cell.height;
    const width = (cells * cell.width).toFixed(1);
    const behind = isInverted
      ? [`<rect x="${left.toFixed(1)}" y="${top}" width="${width}" height="${cell.height}" fill="${front}"/>`]
      : [];
    if (text.trim() === '') return behind;
    const weight = isBold ? ' font-weight="bold"' : '';
    const fill = isInverted ? background : front;
    const place = `x="${left.toFixed(1)}" y="${(top + cell.height * 0.76).toFixed(1)}" textLength="${width}"`;
    return [...behind, `<text ${place} fill="${fill}"${weight}>${escaped(text)}</text>`];
  });
}

/** All scenes above each other, of which one is seen at a time. */
function draw(scenes) {
  const width = Math.ceil(columns * cell.width + 2 * margin);
  const height = Math.ceil(rows * cell.height + 2 * margin);
  const seconds = scenes.length * sceneSeconds;
  const share = 100 / scenes.length;
  const groups = scenes.map((surface, index) => {
    const lines = Array.from({ length: rows }, (_, y) => drawLine(surface, y).join(''));
    return `<g class="scene" style="animation-delay:${(index - scenes.length) * sceneSeconds}s">\n${lines.filter(Boolean).join('\n')}\n</g>`;
  });
  // Where nothing moves, the first one is seen.
  const style = [
    'text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:14px;white-space:pre}',
    `.scene{opacity:0;animation:turn ${seconds}s step-end infinite}`,
    `@keyframes turn{0%{opacity:1}${share.toFixed(2)}%{opacity:0}}`,
    '@media (prefers-reduced-motion:reduce){.scene{animation:none}.scene:first-of-type{opacity:1}}',
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Shoal's dashboard in a terminal">`,
    `<style>${style.join('')}</style>`,
    `<rect width="100%" height="100%" rx="8" fill="${background}"/>`,
    ...groups,
    '</svg>\n',
  ].join('\n');
}

async function startNode(home, name, peer) {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (peer) copyFileSync(join(peer.home, 'cluster.key'), join(home, 'cluster.key'));
  const joins = peer ? ['--peer', peer.addresses[0]] : [];
  const words = [command, 'node', '--json', '--exit-with-stdin', '--no-api', '--home', home, '--name', name, ...joins];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const stop = async () => {
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
  };
  return { home, addresses: JSON.parse(line).addresses, stop };
}

/** A display that keeps what it is shown. */
class Film {
  columns = columns;
  rows = rows;
  isBehind = false;
  surface;

  constructor(observer) {
    this.observer = observer;
  }

  show({ texts, attributes, width }) {
    this.surface = { texts: [...texts], attributes: [...attributes], width };
  }

  forget() {}

  close() {}

  press(...keys) {
    for (const key of keys) this.observer.key(key.length === 1 ? { key, text: key } : { key });
  }

  type(text) {
    for (const letter of text) this.observer.key({ key: letter === ' ' ? 'space' : letter, text: letter });
  }

  /** The picture, once it shows what is waited for. */
  async scene(wanted) {
    const end = performance.now() + deadlineMilliseconds;
    for (;;) {
      const text = this.surface?.texts.join('') ?? '';
      if (wanted.every((one) => one.test(text))) return this.surface;
      if (performance.now() > end)
        throw new Error(`the dashboard never showed ${wanted.join(', ')}:\n${text.replace(/.{110}/gu, '$&\n')}`);
      await sleep(50);
    }
  }
}

/** Somebody else's questions, so that there is something to see. */
async function keepAsking(cluster, model, signal) {
  const questions = ['What is 12 plus 30?', 'What is the capital of France?', 'Spell cat.'];
  for (let turn = 0; !signal.aborted; turn += 1) {
    const generation = model.chat([{ role: 'user', content: questions[turn % questions.length] }], { signal });
    await generation.result.catch(() => undefined);
  }
  await cluster.close();
}

main(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-picture-'));
  const nodes = [];
  const over = new AbortController();
  try {
    say('starting three nodes');
    nodes.push(await startNode(join(folder, 'anna'), 'anna'));
    for (const name of ['ben', 'carla']) nodes.push(await startNode(join(folder, name), name, nodes[0]));
    const cluster = await attach({ home: nodes[0].home });
    const model = await cluster.load('shoal-tiny-chat', { plan: 'pp=3' });
    await cluster.topology({ fresh: true });
    const asking = keepAsking(cluster, model, over.signal);
    let film;
    const dashboard = new Dashboard({
      source: (emit) =>
        new ClusterSource({
          connect: (signal) => attach({ home: nodes[0].home, signal }),
          needsPeers: false,
          emit,
          intervalMilliseconds: 500,
        }),
      display: (observer) => {
        film = new Film(observer);
        return film;
      },
      look: { glyphs: unicodeGlyphs, palette: paletteOf('256', 'dark') },
      screens: allScreens,
      intervalMilliseconds: 1000,
    });
    const running = dashboard.run(over.signal);
    const scenes = [];
    scenes.push(await film.scene([/anna/, /ben/, /carla/, /4–5|0–1/, /MB\/s|GB\/s|MiB\/s|GiB\/s/, /tok\/s/]));
    film.press('2');
    await sleep(8000);
    scenes.push(await film.scene([/█ compute/, /carla/]));
    film.press('4', 'enter');
    film.type('What is 12 plus 30?');
    film.press('enter');
    await film.scene([/12 \+ 30 = 42/, /tokens/]);
    film.type('What is the capital of France?');
    film.press('enter');
    scenes.push(await film.scene([/Paris/, /tokens.*tokens/]));
    film.press('escape', '3');
    scenes.push(await film.scene([/memory used/, /Devices/]));
    film.press('7');
    scenes.push(await film.scene([/Predicted and measured/, /Stages/]));
    over.abort();
    await running;
    await asking;
    writeFileSync(target, draw(scenes));
    say(`drew ${scenes.length} screens into docs/dashboard.svg`);
  } finally {
    over.abort();
    for (const node of nodes) await node.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
});

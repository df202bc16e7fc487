/** Histories: a line of small bars, or a curve where there is room for one. */
import type { Series } from '../views/blocks.js';
import { Canvas } from './canvas.js';
import { labelWidth } from './facts.js';
import type { Attribute } from './style.js';
import type { Region } from './surface.js';
import { textWidth } from './width.js';

/** The last points as one line of small bars; what is not known is left blank. */
export function sparkline(
  series: Pick<Series, 'points' | 'maximum'>,
  columns: number,
  levels: readonly string[],
): string {
  const points = series.points.slice(-columns);
  const top = topOf({ points, maximum: series.maximum });
  const highest = levels.length - 1;
  return points
    .map((point) => {
      if (point === null) return ' ';
      const level = Math.ceil((Math.max(0, point) / top) * highest);
      // Nothing is not the same as not known.
      return levels[Math.max(1, Math.min(highest, level))];
    })
    .join('');
}

function topOf({ points, maximum }: Pick<Series, 'points' | 'maximum'>): number {
  if (maximum !== null && maximum > 0) return maximum;
  const largest = points.reduce<number>((top, point) => Math.max(top, point ?? 0), 0);
  return largest > 0 ? largest : 1;
}

/** `load ▁▂▃▅▂ 34 %`, a line each; the rows that were used. */
export function drawSparklines(region: Region, all: readonly Series[]): number {
  const { glyphs, palette } = region.look;
  const labels = labelWidth(all, region.width);
  const start = labels === 0 ? 0 : labels + 1;
  const texts = Math.min(Math.max(0, ...all.map(({ text }) => textWidth(text))), Math.floor(region.width / 3));
  const columns = Math.max(4, region.width - start - texts - 1);
  for (const [y, series] of all.entries()) {
    if (y >= region.height) return region.height;
    region.writeWithin(0, y, labels, series.label, palette.dim);
    region.write(start, y, sparkline(series, columns, glyphs.levels).padStart(columns), palette[lineTone(series)]);
    region.writeWithin(start + columns + 1, y, region.width - start - columns - 1, series.text, palette[series.tone]);
  }
  return Math.min(all.length, region.height);
}

const lowestChart = 3;

/** A curve each, as high as there is room; lines of small bars where that is little. */
export function drawCharts(region: Region, all: readonly Series[]): void {
  if (all.length === 0 || region.isEmpty) return;
  const high = Math.floor(region.height / all.length);
  if (high < lowestChart || !region.look.glyphs.hasBraille) {
    drawSparklines(region, all);
    return;
  }
  for (const [index, series] of all.entries()) {
    const part = region.part(0, index * high, region.width, high);
    const { palette } = region.look;
    const after = part.write(0, 0, series.label, palette.dim);
    part.writeWithin(after + 1, 0, part.width - after - 1, series.text, palette[series.tone]);
    drawCurve(part.part(0, 1, part.width, high - 1), series, palette[lineTone(series)]);
  }
}

function drawCurve(region: Region, series: Series, attribute: Attribute): void {
  if (region.isEmpty) return;
  const canvas = new Canvas(region);
  const points = series.points.slice(-canvas.width);
  const top = topOf({ points, maximum: series.maximum });
  const offset = canvas.width - points.length;
  let run: [number, number][] = [];
  const end = () => {
    if (run.length > 0) canvas.line(run, attribute);
    run = [];
  };
  for (const [index, point] of points.entries()) {
    if (point === null) end();
    else run.push([offset + index, (1 - Math.min(1, Math.max(0, point) / top)) * (canvas.height - 1)]);
  }
  end();
  canvas.transfer();
}

function lineTone({ tone }: Series) {
  return tone === 'plain' || tone === 'dim' ? 'accent' : tone;
}

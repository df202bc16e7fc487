/** Lines in Braille: eight dots to a cell, by the canvas of blessed-contrib. */
import { createRequire } from 'node:module';
import type { Attribute } from './style.js';
import type { Region } from './surface.js';

interface DrawingContext {
  strokeStyle: number;
  readonly canvas: { readonly content: Uint8Array; readonly colors: readonly (string | null | undefined)[] };
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  stroke(): void;
}

type ContextConstructor = new (width: number, height: number) => DrawingContext;

let loaded: ContextConstructor | undefined;

/** It is not loaded before something is drawn with it. */
function contextConstructor(): ContextConstructor {
  loaded ??= createRequire(import.meta.url)('drawille-canvas-blessed-contrib') as ContextConstructor;
  return loaded;
}

const braille = 0x2800;
const dotsAcross = 2;
const dotsDown = 4;

/** Draws beneath what is written on the region later. Coordinates are in dots. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  private readonly context: DrawingContext;

  constructor(private readonly region: Region) {
    this.width = region.width * dotsAcross;
    this.height = region.height * dotsDown;
    this.context = new (contextConstructor())(this.width, this.height);
  }

  line(points: readonly (readonly [x: number, y: number])[], attribute: Attribute): void {
    const { context } = this;
    // Its colours are numbers that it keeps as they are: ours are whole attributes.
    context.strokeStyle = attribute;
    context.beginPath();
    for (const [index, [x, y]] of points.entries()) {
      const at = [Math.round(x), Math.round(y)] as const;
      if (index === 0) context.moveTo(...at);
      else context.lineTo(...at);
    }
    // A path of one point has no stroke.
    if (points.length === 1 && points[0]) context.lineTo(Math.round(points[0][0]), Math.round(points[0][1]));
    context.stroke();
  }

  /** Writes what was drawn. */
  transfer(): void {
    const { content, colors } = this.context.canvas;
    for (let y = 0; y < this.region.height; y += 1) {
      for (let x = 0; x < this.region.width; x += 1) {
        const at = y * this.region.width + x;
        const dots = content[at];
        if (dots === undefined || dots === 0) continue;
        this.region.write(x, y, String.fromCharCode(braille + dots), attributeIn(colors[at]));
      }
    }
  }
}

function attributeIn(colour: string | null | undefined): Attribute {
  return Number(/;5;(\d+)m$/.exec(colour ?? '')?.[1] ?? 0x1ff);
}

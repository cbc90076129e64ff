import { roundEven } from "./area";
import { drawContours, type Palette, STRENGTH } from "./drawing";
import { findPeak } from "./levels";
import type { Picture, SaliencyMap } from "./picture";
import { paint, type Settings } from "./view";

/**
 * Draws a frame and its map as `drawing.ts` does, within some levels: the map's colours are a layer of its own size, which
 * the browser enlarges and lays over the frame. That is fast enough for video.
 *
 * @param layer is painted over
 */
export function drawFrame(
  canvas: HTMLCanvasElement,
  layer: HTMLCanvasElement,
  frame: HTMLCanvasElement,
  map: SaliencyMap,
  settings: Settings,
  palette: Palette,
) {
  const { width, height } = frame;
  // A canvas is emptied when its size is set, even to the same.
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  paint(layer, colour(map, settings, palette));
  const context = canvas.getContext("2d")!;
  context.drawImage(frame, 0, 0);
  context.save();
  context.beginPath();
  context.rect(Math.round(settings.uncovered * width), 0, width, height);
  context.clip();
  if (settings.view === "overlay") {
    // The picture is dimmed first.
    context.globalAlpha = (0.2 * settings.strength) / STRENGTH;
    context.fillRect(0, 0, width, height);
    context.globalAlpha = 1;
  }
  context.drawImage(layer, 0, 0, width, height);
  context.restore();
}

/** How finely a map is told apart: enough for the opacity, which rises steeply from nothing. */
const STEPS = 1024;

/** The colours of a map, and how far each covers the picture. */
function colour(map: SaliencyMap, settings: Settings, palette: Palette): Picture {
  const { width, height, values } = map;
  const rgba = new Uint8ClampedArray(4 * values.length);
  if (settings.view === "contours") return drawContours({ width, height, rgba }, map, palette);
  const scale = STEPS / findPeak(values);
  const table = new Uint32Array(tabulate(settings, palette).buffer);
  const pixels = new Uint32Array(rgba.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[Math.round(values[i] * scale)];
  return { width, height, rgba };
}

/** What a level, in steps from 0 to 1, is coloured with: RGBA each. */
function tabulate({ view, strength }: Settings, palette: Palette): Uint8ClampedArray {
  const table = new Uint8ClampedArray(4 * (STEPS + 1));
  for (let step = 0; step <= STEPS; step++) {
    const level = step / STEPS;
    const root = Math.sqrt(level);
    const from = 4 * roundEven(level * 255);
    // A spotlight is a layer of black.
    if (view !== "spotlight") table.set(palette.subarray(from, from + 3), 4 * step);
    const opacity = view === "heat" ? 1 : strength * (view === "overlay" ? root : 1 - root);
    table[4 * step + 3] = 255 * opacity;
  }
  return table;
}

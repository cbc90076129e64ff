import type { Window } from "./crops";
import { boundsOf, type Corner, cornersOf, type Share } from "./regions";

/** What can be drawn on a downloaded picture. */
export interface Marks {
  shares: Share[];
  crop?: Window;
  centre?: Corner;
}

/** Draws areas with their shares, the window of the crop and the centre of attention on a picture. */
export function drawMarks(context: CanvasRenderingContext2D, { shares, crop, centre }: Marks) {
  const { width, height } = context.canvas;
  // Even, so that its edges are those of pixels.
  const line = 2 * Math.max(1, Math.round(Math.min(width, height) / 600));
  const size = Math.max(10, Math.floor(Math.min(width, height) / 30));
  if (crop) darkenOutside(context, crop);
  // Black first, so that no outline hides another one, and they show on every ground.
  for (const [color, lineWidth] of [
    ["black", 2 * line],
    ["white", line],
  ] as const) {
    Object.assign(context, { strokeStyle: color, lineWidth, lineJoin: "round" });
    for (const { region } of shares) stroke(context, cornersOf(region));
    if (crop) context.strokeRect(crop.x, crop.y, crop.width, crop.height);
    if (centre) strokeRing(context, centre, size / 2);
  }
  Object.assign(context, { font: `${size}px sans-serif`, textBaseline: "top" });
  for (const { region, attention } of shares) {
    const { x, y } = boundsOf(region);
    putLabel(context, `${region.name} ${Math.round(100 * attention)}%`, x, y, size);
  }
}

function darkenOutside(context: CanvasRenderingContext2D, { x, y, width, height }: Window) {
  context.fillStyle = "#0009";
  context.beginPath();
  context.rect(0, 0, context.canvas.width, context.canvas.height);
  context.rect(x, y, width, height);
  context.fill("evenodd");
}

function stroke(context: CanvasRenderingContext2D, corners: Corner[]) {
  context.beginPath();
  for (const corner of corners) context.lineTo(...corner);
  context.closePath();
  context.stroke();
}

function strokeRing(context: CanvasRenderingContext2D, [x, y]: Corner, radius: number) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}

/** Writes at the upper left corner of an area, as far as the picture has room. */
function putLabel(context: CanvasRenderingContext2D, label: string, left: number, top: number, size: number) {
  const [width, height] = [context.measureText(label).width + size / 2, 1.25 * size];
  const x = Math.max(0, Math.min(left, context.canvas.width - width));
  const y = Math.max(0, Math.min(top, context.canvas.height - height));
  context.fillStyle = "black";
  context.fillRect(x, y, width, height);
  context.fillStyle = "white";
  context.fillText(label, x + size / 4, y + size / 8);
}

import { drawContours, drawHeat, drawOverlay, drawSpotlight, uncover } from "./drawing";
import { drawMarks, type Marks } from "./marks";
import { InputError, type Picture, type SaliencyMap } from "./picture";
import type { PaletteName, readPalettes } from "./palettes";
import type { Scene } from "./preview";

export type View = "overlay" | "heat" | "spotlight" | "contours";

export interface Settings {
  view: View;
  /** In [0, 1]. */
  strength: number;
  /** The share of the width, from the left, where the picture itself is shown; in [0, 1]. */
  uncovered: number;
  palette: PaletteName;
}

type Palettes = Awaited<ReturnType<typeof readPalettes>>;

const JPEG_QUALITY = 0.9;

/** Draws a picture and its map as the settings say. */
export function draw({ picture, map }: Scene, settings: Settings, palettes: Palettes): Picture {
  const { strength, uncovered } = settings;
  const palette = palettes[settings.palette];
  const drawn = {
    overlay: () => drawOverlay(picture, map, palette, strength),
    heat: () => drawHeat(picture, map, palette),
    spotlight: () => drawSpotlight(picture, map, strength),
    contours: () => drawContours(picture, map, palette),
  }[settings.view]();
  uncover(drawn, picture, uncovered);
  return drawn;
}

export function paint(canvas: HTMLCanvasElement, { width, height, rgba }: Picture) {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.putImageData(new ImageData(rgba, width, height), 0, 0);
}

/** Encodes a picture as PNG, with the marks on it, if there are any. */
export const encode = (picture: Picture, marks?: Marks) => encodeCanvas(toCanvas(picture, marks));

export function toCanvas(picture: Picture, marks?: Marks): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  paint(canvas, picture);
  if (marks) drawMarks(canvas.getContext("2d")!, marks);
  return canvas;
}

/** Encodes what a canvas shows, as PNG or as a JPEG. */
export async function encodeCanvas(canvas: HTMLCanvasElement, type?: "image/jpeg"): Promise<Blob> {
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, JPEG_QUALITY));
  if (!blob) throw new InputError("the picture is too large for this browser");
  return blob;
}

/** Says in words where most people look, for whoever does not see the map. */
export const describe = ({ map }: { map: SaliencyMap }) => `most attention lies at the ${findPlace(map)}`;

const NINTHS = [
  ...["top left", "top", "top right"],
  ...["left", "centre", "right"],
  ...["bottom left", "bottom", "bottom right"],
];

/** The ninth of the picture that has most of the attention, in words. */
export function findPlace({ width, values }: SaliencyMap): string {
  const sums = NINTHS.map(() => 0);
  for (let i = 0; i < values.length; i++) {
    const [row, column] = [Math.floor((3 * i) / values.length), Math.floor((3 * (i % width)) / width)];
    sums[3 * row + column] += values[i];
  }
  return NINTHS[sums.indexOf(Math.max(...sums))];
}

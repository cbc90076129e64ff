import { drawHeat, drawOverlay, drawSpotlight } from "./drawing";
import { InputError, type Picture } from "./picture";
import type { PaletteName, readPalettes } from "./palettes";
import type { Scene } from "./preview";

export type View = "overlay" | "heat" | "spotlight" | "picture";

export interface Settings {
  view: View;
  /** In [0, 1]. */
  strength: number;
  palette: PaletteName;
}

type Palettes = Awaited<ReturnType<typeof readPalettes>>;

/** Draws a picture and its map as the settings say. */
export function draw({ picture, map }: Scene, { view, strength, palette }: Settings, palettes: Palettes): Picture {
  switch (view) {
    case "overlay":
      return drawOverlay(picture, map, palettes[palette], strength);
    case "heat":
      return drawHeat(picture, map, palettes[palette]);
    case "spotlight":
      return drawSpotlight(picture, map, strength);
    case "picture":
      return picture;
  }
}

export function paint(canvas: HTMLCanvasElement, { width, height, rgba }: Picture) {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.putImageData(new ImageData(rgba, width, height), 0, 0);
}

/** Encodes a picture as PNG. */
export async function encode(picture: Picture): Promise<Blob> {
  const canvas = document.createElement("canvas");
  paint(canvas, picture);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
  if (!blob) throw new InputError("the picture is too large for this browser");
  return blob;
}

/** Says in words where most people look, for whoever does not see the map. */
export function describe({ map }: Scene): string {
  const peak = map.values.reduce((best, value, i, values) => (value > values[best] ? i : best), 0);
  const across = ["left", "centre", "right"][Math.floor(((peak % map.width) / map.width) * 3)];
  const down = ["top", "middle", "bottom"][Math.floor((peak / map.values.length) * 3)];
  return `most attention lies at the ${down} ${across}`;
}

import inferno from "../../android_demo/app/src/main/res/drawable-nodpi/inferno.png";
import turbo from "../../android_demo/app/src/main/res/drawable-nodpi/turbo.png";
import viridis from "../../android_demo/app/src/main/res/drawable-nodpi/viridis.png";
import type { Palette } from "./drawing";
import { readPng } from "./png";

/** OpenCV's colour maps, which the phone's app keeps as strips of 256 pixels. */
const STRIPS = { viridis, turbo, inferno };
export type PaletteName = keyof typeof STRIPS;

export async function readPalettes(): Promise<Record<PaletteName, Palette>> {
  const entries = Object.entries(STRIPS).map(async ([name, strip]) => [name, (await readPng(strip)).rgba] as const);
  return Object.fromEntries(await Promise.all(entries)) as Record<PaletteName, Palette>;
}

import type { Crop } from "./crop-panel";
import { writeCsv } from "./csv";
import type { SaliencyMap } from "./picture";
import { findCentre, findHalf, type Share } from "./regions";

/** The tables that `predict --regions` writes, attention.csv and attention.json, for one picture. */

const COLUMNS = ["photograph", "region", "attention", "area", "ratio"];

export function toCsv(picture: string, shares: Share[]): string {
  const rows = shares.map(({ region, attention, area }) => [picture, region.name, attention, area, attention / area]);
  return writeCsv(COLUMNS, rows);
}

/** Besides what Python writes, it has the centre of attention and, if one is shown, the crop. */
export function toJson(picture: string, map: SaliencyMap, shares: Share[], crop?: Crop): string {
  const row = {
    photograph: picture,
    height: map.height,
    width: map.width,
    area_of_half_the_attention: findHalf(map),
    centre_of_attention: findCentre(map),
    crop,
    regions: shares.map(({ region, attention, area }) => {
      return { name: region.name, attention, area, ratio: attention / area };
    }),
  };
  return `${JSON.stringify({ photographs: [row] }, null, 2)}\n`;
}

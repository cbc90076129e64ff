import { InputError, type SaliencyMap } from "./picture";

export type Corner = [x: number, y: number];

/**
 * An area of interest, as in a file for `predict --regions`: a box or a polygon in pixels of the upright picture, whose
 * upper left corner is (0, 0). A pixel belongs to it if its middle lies inside.
 */
export type Region = Box | Polygon;

export interface Box {
  name: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Polygon {
  name: string;
  polygon: Corner[];
}

export interface Share {
  region: Region;
  /** The region's shares of all attention and of the picture's pixels, in [0, 1]. */
  attention: number;
  area: number;
}

export function cornersOf(region: Region): Corner[] {
  if ("polygon" in region) return region.polygon;
  const [left, top] = [region.x, region.y];
  const [right, bottom] = [left + region.width, top + region.height];
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}

/** The smallest box around a region. */
export function boundsOf(region: Region): Box {
  const corners = cornersOf(region);
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { name: region.name, x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** Measures how much of the attention lies in each region; overlapping ones count what they share twice. */
export function measure(map: SaliencyMap, regions: Region[]): Share[] {
  const total = map.values.reduce((sum, value) => sum + value, 0);
  return regions.map((region) => {
    let [sum, pixels] = [0, 0];
    forEachStretch(region, map.width, map.height, (start, end) => {
      for (let i = start; i < end; i++) sum += map.values[i];
      pixels += end - start;
    });
    return { region, attention: total > 0 ? sum / total : 0, area: pixels / map.values.length };
  });
}

/** A region without a pixel has no share that could be compared with its size. */
export function hasPixels(region: Region, width: number, height: number): boolean {
  let found = false;
  forEachStretch(region, width, height, (start, end) => (found ||= end > start));
  return found;
}

/** Visits the pixels of a picture that are in a region, row by row, by the even-odd rule, as `salgan_tf.regions` does. */
function forEachStretch(region: Region, width: number, height: number, visit: (start: number, end: number) => void) {
  const corners = cornersOf(region);
  const crossings = new Map<number, number[]>();
  const firstMiddle = (place: number, size: number) => Math.min(Math.max(Math.ceil(place - 0.5), 0), size);
  corners.forEach((corner, i) => {
    // From top to bottom, so that neighbours with a common edge leave no pixel between them, and share none.
    const [[x, y], [lastX, lastY]] = [corner, corners[(i + 1) % corners.length]].sort((a, b) => a[1] - b[1]);
    for (let row = firstMiddle(y, height); row < firstMiddle(lastY, height); row++) {
      const column = firstMiddle(x + (row + 0.5 - y) * ((lastX - x) / (lastY - y)), width);
      crossings.set(row, [...(crossings.get(row) ?? []), column]);
    }
  });
  for (const [row, columns] of crossings) {
    columns.sort((a, b) => a - b);
    for (let i = 0; i < columns.length; i += 2) visit(row * width + columns[i], row * width + columns[i + 1]);
  }
}

/** The share of the picture, in [0, 1], that the most looked-at pixels with half of the attention take. */
export function findHalf(map: SaliencyMap): number {
  const ascending = map.values.toSorted();
  const half = ascending.reduce((sum, value) => sum + value, 0) / 2;
  let [taken, sum] = [0, 0];
  while (sum < half) sum += ascending[ascending.length - ++taken];
  return taken / ascending.length;
}

/** The centre of attention: the mean place, in pixels, with the map as weight; of a map of zeros, the middle. */
export function findCentre({ width, height, values }: SaliencyMap): Corner {
  let [total, sumX, sumY] = [0, 0, 0];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      total += values[i];
      sumX += values[i] * (x + 0.5);
      sumY += values[i] * (y + 0.5);
    }
  }
  return total > 0 ? [sumX / total, sumY / total] : [width / 2, height / 2];
}

/** Moves and shrinks a box to whole pixels inside the picture; a box that was drawn backwards is turned round. */
export function fit(box: Box, width: number, height: number): Box {
  const [left, right] = fitSide(box.x, box.width, width);
  const [top, bottom] = fitSide(box.y, box.height, height);
  return { name: box.name, x: left, y: top, width: right - left, height: bottom - top };
}

function fitSide(start: number, length: number, size: number): [number, number] {
  const inside = (place: number) => Math.round(Math.min(Math.max(place, 0), size));
  const [first, last] = [inside(Math.min(start, start + length)), inside(Math.max(start, start + length))];
  const nearest = Math.min(first, size - 1);
  return [nearest, Math.max(last, nearest + 1)];
}

/** Moves a region by whole pixels, so that it keeps its form, as far as the picture has room. */
export function move(region: Region, x: number, y: number, width: number, height: number): Region {
  const bounds = boundsOf(region);
  const within = (by: number, start: number, length: number, size: number) =>
    Math.min(Math.max(Math.round(by), Math.ceil(-start)), Math.floor(size - start - length));
  const right = within(x, bounds.x, bounds.width, width);
  const down = within(y, bounds.y, bounds.height, height);
  if ("polygon" in region) return { ...region, polygon: region.polygon.map(([x, y]) => [x + right, y + down]) };
  return { ...region, x: region.x + right, y: region.y + down };
}

export const LONGEST_NAME = 100;

/**
 * Checks the names as `predict --regions` does.
 *
 * @throws InputError a region has no name, an unusual one, or that of another one
 */
export function checkNames(regions: Region[]) {
  regions.forEach(({ name }, index) => {
    const isLine = /^(?:[^\p{C}\p{Z}]| )*$/u.test(name) && [...name].length <= LONGEST_NAME;
    if (!name.trim() || !isLine) {
      throw new InputError(`region ${index + 1}: its name is not a line of up to ${LONGEST_NAME} letters`);
    }
    if (regions.findIndex((other) => other.name === name) < index) {
      throw new InputError(`region ${index + 1}: there is another one called “${name}”`);
    }
  });
}

import { boundsOf, checkNames, type Corner, hasPixels, LONGEST_NAME, type Region } from "./regions";
import { InputError } from "./picture";

/** The file of regions that `predict --regions` takes: see `salgan_tf/regions.py`. */

const BOX = "height,name,width,x,y";
const POLYGON = "name,polygon";

export function writeRegions(regions: Region[]): string {
  checkNames(regions);
  return `${JSON.stringify({ regions }, null, 2)}\n`;
}

/**
 * Reads the regions of a picture of a name and size.
 *
 * @throws InputError the file is not of this kind, has no regions of the picture, or one does not fit into it
 */
export function readRegions(text: string, picture: string, width: number, height: number): Region[] {
  const list = findList(parse(text), picture);
  if (!Array.isArray(list)) throw new InputError("the regions are not a list");
  const regions = list.map((value, index) => {
    const [region, label] = [readRegion(value, index + 1), `region ${index + 1}`];
    const { x, y, ...size } = boundsOf(region);
    if (x < 0 || y < 0 || x + size.width > width || y + size.height > height) {
      throw new InputError(`${label} reaches out of ${picture}, which is ${width} × ${height}`);
    }
    if (!hasPixels(region, width, height)) throw new InputError(`${label} contains no pixel`);
    return region;
  });
  checkNames(regions);
  return regions;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError("not a JSON file");
  }
}

/** Finds the list for every picture, or that of this one. */
function findList(content: unknown, picture: string): unknown {
  const keys = keysOf(content);
  if (keys === "regions") return (content as { regions: unknown }).regions;
  const photographs = (content as { photographs?: unknown } | null)?.photographs;
  if (keys !== "photographs" || !photographs || typeof photographs !== "object" || Array.isArray(photographs)) {
    throw new InputError("expected either regions, a list, or photographs, an object of lists by name");
  }
  // A browser tells no folders, so that summer/poster.jpg is meant by poster.jpg, if nothing else is.
  const fitting = Object.entries(photographs).filter(([name]) => name.split("/").at(-1) === picture);
  const [found] = fitting.length > 1 ? fitting.filter(([name]) => name === picture) : fitting;
  if (!found) throw new InputError(`it has ${fitting.length ? "several lists" : "no regions"} of ${picture}`);
  return found[1];
}

function readRegion(value: unknown, number: number): Region {
  const fail = (cause: string): never => {
    throw new InputError(`region ${number}: ${cause}`);
  };
  const readNumber = (number: unknown): number =>
    typeof number === "number" && Math.abs(number) < 1e9
      ? number
      : fail(`${String(JSON.stringify(number)).slice(0, 40)} is not a number of pixels`);
  const keys = keysOf(value);
  if (keys !== BOX && keys !== POLYGON) fail("expected name and either x, y, width and height, or polygon");
  const { name, polygon, ...box } = value as Record<string, unknown>;
  if (typeof name !== "string") return fail(`its name is not a line of up to ${LONGEST_NAME} letters`);
  if (keys === BOX) {
    const [x, y, width, height] = [box.x, box.y, box.width, box.height].map(readNumber);
    if (width <= 0 || height <= 0) fail("width and height must be above 0");
    return { name, x, y, width, height };
  }
  if (!Array.isArray(polygon) || polygon.length < 3) {
    return fail("a polygon is a list of at least three corners [x, y]");
  }
  const isCorner = (corner: unknown) => Array.isArray(corner) && corner.length === 2;
  if (!polygon.every(isCorner)) fail("a corner of a polygon is a list [x, y]");
  return { name, polygon: polygon.map((corner) => corner.map(readNumber) as Corner) };
}

/** The keys of an object, in the alphabet's order. */
function keysOf(value: unknown): string {
  return value && typeof value === "object" ? Object.keys(value).sort().join() : "";
}

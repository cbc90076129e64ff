import { checksum } from "./crc";
import { InputError, type Picture } from "./picture";

/**
 * Reads and writes PNGs. Browsers keep pixels multiplied by their opacity, and some add noise to what a page reads back,
 * so a PNG that they read is not quite the one that Pillow reads; this reader's pixels are Pillow's.
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
/** Samples per pixel, by the kind of PNG. */
const SAMPLES: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE_KIND = 3;
/** First column and row, and steps to the next ones, of the passes of an interlaced PNG. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];
const CUT = "the PNG is damaged or cut off";

interface Chunks {
  header: DataView;
  palette: Uint8Array;
  transparency: Uint8Array | null;
  exif: Uint8Array | null;
  pixels: Uint8Array<ArrayBuffer>[];
}

/** A PNG's pixels as they are stored, RGBA, and its EXIF data. */
export interface StoredPng extends Picture {
  exif: Uint8Array | null;
}

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

export async function readPng(bytes: Uint8Array<ArrayBuffer>): Promise<StoredPng> {
  const chunks = cutChunks(bytes);
  const { header, exif } = chunks;
  const [width, height, interlaced] = [header.getUint32(0), header.getUint32(4), header.getUint8(12) === 1];
  checkSize(width, height);
  const data = await inflate(chunks.pixels);
  const rgba = new Uint8ClampedArray(width * height * 4);
  const put = unpacker(chunks, rgba);
  let start = 0;
  for (const [left, top, stepX, stepY] of interlaced ? PASSES : [[0, 0, 1, 1]]) {
    const columns = Math.ceil((width - left) / stepX);
    if (columns <= 0) continue;
    let above: Uint8Array | null = null;
    for (let y = top; y < height; y += stepY) {
      const row: Uint8Array = takeRow(data, start, columns, header, above);
      start += row.length + 1;
      for (let x = 0; x < columns; x++) put(row, x, (y * width + left + x * stepX) * 4);
      above = row;
    }
  }
  return { width, height, rgba, exif };
}

/** More than this does not fit in a page's memory, and claims of it are mostly those of hostile files. */
const MOST_PIXELS = 200e6;

export function checkSize(width: number, height: number) {
  if (width * height > MOST_PIXELS) throw new InputError("the picture has more than 200 megapixels");
}

function cutChunks(bytes: Uint8Array<ArrayBuffer>): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Partial<Chunks> & Pick<Chunks, "pixels"> = { pixels: [] };
  for (let place = 8; place + 12 <= bytes.length;) {
    const size = view.getUint32(place);
    const name = String.fromCharCode(...bytes.subarray(place + 4, place + 8));
    const body = bytes.subarray(place + 8, place + 8 + size);
    if (body.length < size) throw new InputError(CUT);
    if (name === "IHDR" && size === 13) chunks.header = new DataView(bytes.buffer, body.byteOffset, size);
    else if (name === "PLTE") chunks.palette = body;
    else if (name === "tRNS") chunks.transparency = body;
    else if (name === "eXIf") chunks.exif = body;
    else if (name === "IDAT") chunks.pixels.push(body);
    place += 12 + size;
  }
  const { header } = chunks;
  if (!header || !SAMPLES[header.getUint8(9)] || !chunks.pixels.length) throw new InputError(CUT);
  return { palette: new Uint8Array(), transparency: null, exif: null, ...chunks, header };
}

async function inflate(pieces: Uint8Array<ArrayBuffer>[]): Promise<Uint8Array> {
  try {
    return await squeeze(new Blob(pieces), new DecompressionStream("deflate"));
  } catch {
    throw new InputError(CUT);
  }
}

async function squeeze(blob: Blob, through: CompressionStream | DecompressionStream): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(blob.stream().pipeThrough(through)).arrayBuffer());
}

/** Undoes the filter of a row, which is told by its first byte. */
function takeRow(data: Uint8Array, start: number, columns: number, header: DataView, above: Uint8Array | null) {
  const bits = header.getUint8(8) * SAMPLES[header.getUint8(9)];
  const size = Math.ceil((columns * bits) / 8);
  if (start + 1 + size > data.length) throw new InputError(CUT);
  const row = data.slice(start + 1, start + 1 + size);
  const step = Math.max(bits >> 3, 1);
  const filter = data[start];
  for (let i = 0; i < size; i++) {
    const left = i < step ? 0 : row[i - step];
    const up = above ? above[i] : 0;
    if (filter === 1) row[i] += left;
    else if (filter === 2) row[i] += up;
    else if (filter === 3) row[i] += (left + up) >> 1;
    else if (filter === 4) row[i] += nearest(left, up, above && i >= step ? above[i - step] : 0);
  }
  return row;
}

/** Paeth's predictor: the neighbour that is nearest to left + up - corner. */
function nearest(left: number, up: number, corner: number): number {
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Returns a function that writes pixel x of a row to a place in `rgba`. */
function unpacker(chunks: Chunks, rgba: Uint8ClampedArray) {
  const { header, palette, transparency } = chunks;
  const [depth, kind] = [header.getUint8(8), header.getUint8(9)];
  const samples = SAMPLES[kind];
  const white = 2 ** depth - 1;
  const sample = (row: Uint8Array, i: number) => {
    if (depth === 8) return row[i];
    if (depth === 16) return (row[2 * i] << 8) | row[2 * i + 1];
    return (row[(i * depth) >> 3] >> (8 - depth - ((i * depth) & 7))) & white;
  };
  if (kind === PALETTE_KIND) {
    return (row: Uint8Array, x: number, to: number) => {
      const index = sample(row, x);
      for (let i = 0; i < 3; i++) rgba[to + i] = palette[3 * index + i];
      rgba[to + 3] = transparency?.[index] ?? 255;
    };
  }
  // As in salgan_tf, 16 bits of grey are rounded; of other samples, Pillow keeps the upper byte.
  const upper = depth === 16 && samples > 1;
  const level = (value: number) =>
    (upper ? value >> 8 : depth === 16 ? (value + 128) / 257 : (value * 255) / white) | 0;
  const comparable = (value: number) => (upper ? value >> 8 : value);
  // The one colour that is transparent, in 16 bits a sample whatever the depth.
  const clear = Array.from({ length: (transparency?.length ?? 0) >> 1 }, (_, i) =>
    comparable((transparency![2 * i] << 8) | transparency![2 * i + 1]),
  );
  const colors = samples < 3 ? 1 : 3;
  return (row: Uint8Array, x: number, to: number) => {
    const at = x * samples;
    for (let i = 0; i < 3; i++) rgba[to + i] = level(sample(row, at + (i % colors)));
    const isClear = clear.length > 0 && clear.every((value, i) => value === comparable(sample(row, at + i)));
    rgba[to + 3] = samples > colors ? level(sample(row, at + colors)) : isClear ? 0 : 255;
  };
}

/** Writes 8-bit grey levels as a PNG. */
export async function writeGreyPng(levels: Uint8Array, width: number, height: number): Promise<Blob> {
  const rows = new Uint8Array(height * (width + 1));
  // Each row begins with a byte that says that it is not filtered.
  for (let y = 0; y < height; y++) rows.set(levels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header[8] = 8;
  const pixels = await squeeze(new Blob([rows]), new CompressionStream("deflate"));
  const parts = [
    new Uint8Array(SIGNATURE),
    chunk("IHDR", header),
    chunk("IDAT", pixels),
    chunk("IEND", new Uint8Array()),
  ];
  return new Blob(parts, { type: "image/png" });
}

function chunk(name: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(body.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  bytes.set(
    [...name].map((letter) => letter.charCodeAt(0)),
    4,
  );
  bytes.set(body, 8);
  view.setUint32(body.length + 8, checksum(bytes.subarray(4, body.length + 8)));
  return bytes;
}

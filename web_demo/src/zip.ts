import { checksum } from "./crc";
import { InputError } from "./picture";

export interface Entry {
  name: string;
  content: Blob;
}

/** What the four bytes of a size or a place can tell, and the two of a number of files. */
const [MOST_BYTES, MOST_FILES] = [2 ** 32 - 1, 2 ** 16 - 1];
/** Names are in UTF-8. */
const FLAGS = 1 << 11;
const VERSION = 20;

/**
 * Puts files into a ZIP as they are: PNG and JPEG do not get smaller.
 *
 * @throws InputError there are too many files, or too large ones, for a plain ZIP
 */
export async function writeZip(entries: Entry[]): Promise<Blob> {
  const [parts, directory]: BlobPart[][] = [[], []];
  let [place, directorySize] = [0, 0];
  const time = toDosTime(new Date());
  for (const { name, content } of entries) {
    const path = new TextEncoder().encode(name);
    const crc = checksum(new Uint8Array(await content.arrayBuffer()));
    // Version, flags, kind (stored), time, checksum, both sizes, length of the name, and of nothing else.
    const fields = [
      2,
      VERSION,
      2,
      FLAGS,
      2,
      0,
      4,
      time,
      4,
      crc,
      4,
      content.size,
      4,
      content.size,
      2,
      path.length,
      2,
      0,
    ];
    const local = pack(4, 0x04034b50, ...fields);
    // After the same fields: comment, disk and attributes, none of them, and where the file begins.
    const central = pack(4, 0x02014b50, 2, VERSION, ...fields, 2, 0, 2, 0, 2, 0, 4, 0, 4, place);
    parts.push(local, path, content);
    directory.push(central, path);
    place += local.length + path.length + content.size;
    directorySize += central.length + path.length;
  }
  if (place + directorySize > MOST_BYTES || entries.length > MOST_FILES) {
    throw new InputError("the ZIP would have more than 4 GB or 65535 files: take fewer pictures");
  }
  const count = entries.length;
  const end = pack(4, 0x06054b50, 2, 0, 2, 0, 2, count, 2, count, 4, directorySize, 4, place, 2, 0);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Packs pairs of a size, in bytes, and a whole number, lowest byte first. */
function pack(...pairs: number[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    for (let byte = 0; byte < pairs[i]; byte++) bytes.push((pairs[i + 1] >>> (8 * byte)) & 255);
  }
  return Uint8Array.from(bytes);
}

/** In local time, to two seconds. */
function toDosTime(date: Date): number {
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  return (day << 16) | (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
}

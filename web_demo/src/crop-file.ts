import type { Window } from "./crops";
import { InputError } from "./picture";
import { isPng } from "./png";

const ENDINGS: Record<string, string> = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" };
/** Of JPEG and WebP, which are encoded anew: little is lost. */
const QUALITY = 0.95;

/**
 * Cuts a window out of a picture's file: its own pixels, upright and in sRGB, with their transparency.
 *
 * @returns a file of the same type, or a PNG where the browser does not write that type; and its name's ending
 */
export async function cutOut(file: Blob, { x, y, width, height }: Window) {
  const bitmap = await createImageBitmap(file, x, y, width, height);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  const type = findType(new Uint8Array(await file.slice(0, 12).arrayBuffer()));
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type ?? "image/png", QUALITY));
  if (!blob) throw new InputError("the picture is too large for this browser");
  return { blob, ending: ENDINGS[blob.type], isOwnType: blob.type === type };
}

function findType(bytes: Uint8Array): string | null {
  if (isPng(bytes)) return "image/png";
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "image/jpeg";
  return String.fromCharCode(...bytes.subarray(8, 12)) === "WEBP" ? "image/webp" : null;
}

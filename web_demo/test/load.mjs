/** Lets the tests import the page's TypeScript and the goldens, with the formulas of goldens.py. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { BUNDLING } from "../build.mjs";

export async function load(name) {
  const folder = await mkdtemp(join(tmpdir(), "web_demo-"));
  try {
    const entry = fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url));
    const outfile = join(folder, `${name}.mjs`);
    await build({ ...BUNDLING, format: "esm", entryPoints: [entry], outfile });
    return await import(outfile);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const goldens = JSON.parse(await readFile(new URL("goldens.json", import.meta.url)));
export const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
export const floats = (text) => new Float32Array(bytes(text).buffer);
export const sides = (size) => size.split("x").map(Number);

export function makeMap(width, height) {
  const value = (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return ((37 * x + 91 * y + x * y) % 256) / 512;
  };
  return { width, height, values: Float32Array.from({ length: width * height }, value) };
}

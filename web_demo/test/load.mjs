/** Lets the tests import the page's TypeScript. */
import { mkdtemp, rm } from "node:fs/promises";
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

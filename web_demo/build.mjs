/** Builds dist/, a folder for any static host, and dist/single.html, the same in one file that opens from a disk. */
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const DIST = `${HERE}dist/`;
const LITERT = `${HERE}node_modules/@litertjs/core/wasm/`;
// What LiteRT chooses from: without threads, with threads, and for browsers without relaxed SIMD.
const RUNTIMES = ["litert_wasm_internal", "litert_wasm_threaded_internal", "litert_wasm_compat_internal"];
// Neither is kept twice in the repository: the package's model, and the public-domain photograph of the app's tests.
const MODEL = `${HERE}../salgan_tf/weights/salgan_efficientnet_lite0_slim_int8.tflite`;
const EXAMPLE = `${HERE}../android_demo/checks/resources/golden/photo.jpg`;
/** What esbuild does with TypeScript, for the page and for the tests of its parts. */
export const BUNDLING = { bundle: true, target: "es2022", loader: { ".png": "binary" }, logLevel: "warning" };

async function buildFolder() {
  await rm(DIST, { recursive: true, force: true });
  await mkdir(`${DIST}litert`, { recursive: true });
  const options = { ...BUNDLING, minify: true };
  await build({ ...options, entryPoints: [`${HERE}src/page.ts`], format: "esm", outfile: `${DIST}page.js` });
  // LiteRT looks for Node's modules where there are any.
  const external = ["node:*"];
  await build({
    ...options,
    external,
    entryPoints: [`${HERE}src/worker.ts`],
    format: "iife",
    outfile: `${DIST}worker.js`,
  });
  await build({ ...options, entryPoints: [`${HERE}src/offline.ts`], format: "iife", outfile: `${DIST}offline.js` });
  for (const name of ["index.html", "page.css"]) await cp(`${HERE}src/${name}`, DIST + name);
  for (const name of RUNTIMES) {
    for (const ending of [".js", ".wasm"]) await cp(LITERT + name + ending, `${DIST}litert/${name}${ending}`);
  }
  await cp(MODEL, `${DIST}model.tflite`);
  await cp(EXAMPLE, `${DIST}example.jpg`);
}

/** Puts the files of dist/ into one page, whose policy allows its own script and style, and nothing from elsewhere. */
async function buildSingleFile() {
  const [page, script, style] = await Promise.all(
    ["index.html", "page.js", "page.css"].map((name) => readFile(DIST + name, "utf8")),
  );
  const packed = await Promise.all([
    pack("worker.js", `${DIST}worker.js`),
    pack("litert.js", `${LITERT}litert_wasm_internal.js`),
    pack("litert.wasm", `${LITERT}litert_wasm_internal.wasm`),
    pack("model.tflite", MODEL),
    pack("example.jpg", EXAMPLE),
  ]);
  // A function: in a string, `$&` would mean something.
  const single = page
    .replace(/(?<=content=")default-src[^"]+/, () => policy(script, style))
    .replace(/<link rel="stylesheet".*>/, () => `<style>${style}</style>`)
    .replace(/ *<script type="module".*<\/script>\n/, "")
    .replace("</body>", () => `${packed.join("\n")}\n<script type="module">${script}</script>\n</body>`);
  await writeFile(`${DIST}single.html`, single);
}

function policy(script, style) {
  const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(script)} 'wasm-unsafe-eval' blob:`,
    "worker-src blob:",
    "connect-src blob:",
    `style-src ${hash(style)}`,
    "img-src data: blob:",
    "media-src blob:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

async function pack(name, path) {
  const bytes = await promisify(gzip)(await readFile(path), { level: 9 });
  return `<script type="application/octet-stream" id="packed-${name}">${bytes.toString("base64")}</script>`;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await buildFolder();
  await buildSingleFile();
}

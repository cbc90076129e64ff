/**
 * Compares the page's speed with the package's, in turns on one machine: PYTHON=.venv/bin/python npm run measure
 *
 * Prints the medians; other work on the machine slows both. The frames are those of Chromium's fake camera.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { launch, open, serve, settle } from "./browser.mjs";

const PYTHON = process.env.PYTHON ?? "python3";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const EXAMPLE = fileURLToPath(new URL("../dist/example.jpg", import.meta.url));
const MODEL = fileURLToPath(new URL("../dist/model.tflite", import.meta.url));
const CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
const ROUNDS = 5;
// What a page without threads loads; with them it is the other runtime, of the same size.
const RUNTIME = ["litert/litert_wasm_internal.js", "litert/litert_wasm_internal.wasm"];
const FIRST_LOAD = ["index.html", "page.css", "page.js", "worker.js", "model.tflite", "example.jpg", ...RUNTIME];

async function sumFirstLoad() {
  const compress = async (name) => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
    return brotliCompressSync(await readFile(new URL(`../dist/${name}`, import.meta.url)), { params }).length;
  };
  const sizes = await Promise.all(FIRST_LOAD.map(compress));
  return sizes.reduce((sum, size) => sum + size);
}

async function seconds(action) {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}

/** The time from opening the page, with nothing in the browser's cache, to the first map. */
async function timePage(browser, url) {
  const context = await browser.newContext();
  const time = await seconds(() => open(context, url));
  await context.close();
  return time;
}

async function timePredict() {
  const folder = await mkdtemp(join(tmpdir(), "measure-"));
  const options = { cwd: ROOT, stdio: "ignore" };
  const time = await seconds(() =>
    execFileSync(PYTHON, ["-m", "salgan_tf", "predict", EXAMPLE, "--out", folder], options),
  );
  await rm(folder, { recursive: true });
  return time;
}

/** Milliseconds of a prediction in a page that is warm; the first ones are those of a cold compiler. */
async function timePicture(page) {
  const times = [];
  for (let round = 0; round < 5; round++) {
    await page.locator("#status").evaluate((line) => line.replaceChildren());
    await page.getByRole("button", { name: "Show the example" }).click();
    times.push(Number((await settle(page, / ms;/)).match(/(\d+) ms/)[1]));
  }
  return median(times.slice(2));
}

/** Milliseconds from one frame of the camera's 1280 × 720 pixels to the next under its map, and those of its map alone. */
async function timeLive(page) {
  await page.getByRole("tab", { name: "Camera and video" }).click();
  await page.getByRole("button", { name: "Use the camera" }).click();
  await settle(page, /^camera: 1280 × 720/);
  // Two seconds to become warm, a second of frames.
  await page.waitForTimeout(3000);
  const [, frames, map] = (await page.locator("#live-speed").textContent()).match(/(\d+), a map: (\d+) ms/);
  await page.getByRole("tab", { name: "One picture" }).click();
  return { frame: 1000 / Number(frames), map: Number(map) };
}

/** Milliseconds of a prediction by the package, and of LiteRT in it. */
function timeInPython() {
  const code = `
import sys, time
from pathlib import Path
from salgan_tf import SaliencyPredictor, images
from salgan_tf.runtimes import open_network
def median(action):
    times = []
    for _ in range(13):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return 1000 * sorted(times[2:])[5]
predictor, image = SaliencyPredictor(threads=1), images.read_image(sys.argv[1])
network = open_network(Path(sys.argv[2]), threads=1)
print(median(lambda: predictor(image)), median(lambda: network.run(image[:256, :320])))`;
  const output = execFileSync(PYTHON, ["-c", code, EXAMPLE, MODEL], { cwd: ROOT, encoding: "utf8" });
  const [predictor, network] = output.split(" ").map(Number);
  return { predictor, network };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const browser = await launch(CAMERA);
const [isolated, plain] = [await serve(), await serve({})];
// Without the service worker, which would isolate the page.
const warm = await open(await browser.newContext({ serviceWorkers: "block" }), plain.url);
const measured = { page: [], predict: [], picture: [], frame: [], map: [], predictor: [], network: [] };
for (let round = 0; round < ROUNDS; round++) {
  measured.page.push(await timePage(browser, isolated.url));
  measured.predict.push(await timePredict());
  measured.picture.push(await timePicture(warm));
  const live = await timeLive(warm);
  const python = timeInPython();
  for (const [name, value] of Object.entries({ ...live, ...python })) measured[name].push(value);
}
await browser.close();
isolated.close();
plain.close();
const { page, predict, picture, frame, map, predictor, network } = Object.fromEntries(
  Object.entries(measured).map(([name, values]) => [name, median(values)]),
);
const compare = (what, a, b, unit, digits) =>
  console.log(
    `${what}: ${a.toFixed(digits)} ${unit}, Python: ${b.toFixed(digits)} ${unit}, ratio ${(a / b).toFixed(2)}`,
  );
console.log(`${cpus()[0].model}, ${cpus().length} cores`);
console.log(`first load, brotli: ${((await sumFirstLoad()) / 1e6).toFixed(2)} MB`);
compare("open page to first map, cold, and predict", page, predict, "s", 2);
compare("a map of 512 × 600 pixels, one thread, and the predictor", picture, predictor, "ms", 1);
compare("a map for a frame, one thread, and LiteRT", map, network, "ms", 1);
compare("a frame of 1280 × 720 pixels, one thread, and LiteRT", frame, network, "ms", 1);

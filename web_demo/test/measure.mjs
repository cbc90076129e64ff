/**
 * Compares the page's speed with the package's, in turns on one machine: PYTHON=.venv/bin/python npm run measure
 *
 * Prints the medians; other work on the machine slows both.
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
async function timeFrame(page) {
  const times = [];
  for (let round = 0; round < 5; round++) {
    await page.locator("#status").evaluate((line) => line.replaceChildren());
    await page.getByRole("button", { name: "Show the example" }).click();
    times.push(Number((await settle(page, / ms;/)).match(/(\d+) ms/)[1]));
  }
  return median(times.slice(2));
}

function timeFrameInPython() {
  const code = `
import sys, time
from salgan_tf import SaliencyPredictor, images
predictor, image = SaliencyPredictor(threads=1), images.read_image(sys.argv[1])
times = []
for _ in range(5):
    start = time.perf_counter()
    predictor(image)
    times.append(time.perf_counter() - start)
print(1000 * sorted(times[2:])[1])`;
  return Number(execFileSync(PYTHON, ["-c", code, EXAMPLE], { cwd: ROOT, encoding: "utf8" }));
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const browser = await launch();
const [isolated, plain] = [await serve(), await serve({})];
const warm = await open(browser, plain.url);
const measured = { page: [], predict: [], thread: [], python: [] };
for (let round = 0; round < ROUNDS; round++) {
  measured.page.push(await timePage(browser, isolated.url));
  measured.predict.push(await timePredict());
  measured.thread.push(await timeFrame(warm));
  measured.python.push(timeFrameInPython());
}
await browser.close();
isolated.close();
plain.close();
const { page, predict, thread, python } = Object.fromEntries(
  Object.entries(measured).map(([name, values]) => [name, median(values)]),
);
const ratio = (a, b) => (a / b).toFixed(2);
console.log(`${cpus()[0].model}, ${cpus().length} cores`);
console.log(`first load, brotli: ${((await sumFirstLoad()) / 1e6).toFixed(2)} MB`);
console.log(
  `open page to first map, cold: ${page.toFixed(2)} s, predict: ${predict.toFixed(2)} s, ratio ${ratio(page, predict)}`,
);
console.log(`a map, one thread: ${thread} ms, Python: ${python.toFixed(0)} ms, ratio ${ratio(thread, python)}`);

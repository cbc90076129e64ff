/** The page's worker gives the map of `SaliencyPredictor`, for the pictures of pictures.py. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { launch, open, PICTURES, serve } from "./browser.mjs";

const index = JSON.parse(await readFile(`${PICTURES}/index.json`));
let browser, server, page;

before(async () => {
  browser = await launch();
  server = await serve();
  // A service worker would answer instead of the route below.
  page = await open(await browser.newContext({ serviceWorkers: "block" }), server.url);
  await page.route("**/pictures/*", (route) => {
    route.fulfill({ path: `${PICTURES}/${new URL(route.request().url()).pathname.split("/").pop()}` });
  });
  await page.evaluate(() => {
    const worker = new Worker("worker.js");
    const beside = (name) => new URL(name, location.href).href;
    worker.postMessage({ sources: { folder: beside("litert/"), model: beside("model.tflite"), threads: 2 } });
    globalThis.compare = async ({ name, step, width }) => {
      worker.postMessage({ id: 1, file: await (await fetch(`pictures/${name}`)).blob() });
      const { data } = await new Promise((resolve) => worker.addEventListener("message", resolve, { once: true }));
      if (data.problem) return data;
      const expected = new Float32Array(await (await fetch(`pictures/${name}.f32`)).arrayBuffer());
      const { map } = data.prediction;
      const columns = Math.ceil(width / step);
      let difference = 0;
      for (let i = 0; i < expected.length; i++) {
        const found = map.values[Math.floor(i / columns) * step * map.width + (i % columns) * step];
        difference = Math.max(difference, Math.abs(found - expected[i]));
      }
      return { difference, width: map.width, height: map.height };
    };
  });
});
after(async () => {
  await browser.close();
  server.close();
});

for (const picture of index) {
  test(`${picture.name}: the map is the predictor's`, async () => {
    const { difference, width, height, problem } = await page.evaluate((picture) => compare(picture), picture);
    assert.equal(problem, undefined);
    assert.deepEqual([width, height], [picture.width, picture.height]);
    assert.ok(difference <= 1e-5, `largest difference ${difference}`);
  });
}

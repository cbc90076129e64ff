/** The page in Chromium: what a person does with it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  checkOnPhone,
  checkRequests,
  download,
  hand,
  noteRequests,
  PICTURES,
  serve,
  settle,
  SINGLE_FILE,
  startBrowser,
} from "./browser.mjs";
import { load } from "./load.mjs";

const { readPng } = await load("png");
const read = (name) => readFile(`${PICTURES}/${name}`);
const { withPage, address } = startBrowser();

const choose = (page, name) => page.locator("#file").setInputFiles(`${PICTURES}/${name}`);

test("a picture is chosen, dropped and pasted", () =>
  withPage(async (page) => {
    await choose(page, "transparent.png");
    await settle(page, /^transparent\.png: 400 × 300/);
    await hand(page, "drop", "small.png");
    await settle(page, /^small\.png: 90 × 60/);
    await hand(page, "paste", "palette.png");
    await settle(page, /^palette\.png: 512 × 600/);
  }));

test("the grey map is the one that predict writes", () =>
  withPage(async (page) => {
    for (const name of ["photo.jpg", "transparent.png", "small.png"]) {
      await choose(page, name);
      await settle(page, new RegExp(`^${name}: `));
      const { name: saved, bytes } = await download(page, "grey map");
      assert.equal(saved, name.replace(/\..*/, "_saliency.png"));
      const levels = (await readPng(bytes)).rgba.filter((_, i) => i % 4 === 0);
      const expected = await read(`${name}.levels`);
      assert.equal(levels.length, expected.length);
      const differences = levels.filter((level, i) => level !== expected[i]);
      // A value within 1e-6 of the middle between two levels may be rounded to either.
      assert.ok(
        differences.length <= levels.length / 10_000,
        `${differences.length} of ${levels.length} pixels differ`,
      );
    }
  }));

test("what is shown is downloaded in the picture's own size, in each view and palette", () =>
  withPage(async (page) => {
    const seen = new Set();
    const take = async (pattern) => {
      const { name, bytes } = await download(page, "what is shown");
      assert.match(name, pattern);
      const { width, height, rgba } = await readPng(bytes);
      assert.deepEqual([width, height], [512, 600]);
      seen.add(Buffer.from(rgba).toString("base64"));
    };
    for (const view of ["Overlay", "Heat alone", "Contours"]) {
      await page.getByRole("radio", { name: view }).check();
      for (const palette of ["viridis", "turbo", "inferno"]) {
        await page.getByRole("combobox", { name: "Colours" }).selectOption(palette);
        await take(/^grace_hopper_(overlay|heat|contours)\.png$/);
      }
    }
    await page.getByRole("radio", { name: "Spotlight" }).check();
    await take(/^grace_hopper_spotlight\.png$/);
    await page.getByRole("slider", { name: "Before / after" }).fill("100");
    await take(/^grace_hopper_spotlight\.png$/);
    assert.equal(seen.size, 11);
  }));

test("the slider changes the strength by keyboard", () =>
  withPage(async (page) => {
    const pixels = () => page.evaluate(() => document.getElementById("canvas").toDataURL());
    const earlier = await pixels();
    await page.getByRole("slider", { name: "Strength" }).focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.locator("#controls output").textContent(), "66 %");
    assert.notEqual(await pixels(), earlier);
  }));

test("a file that cannot be used gives one line, and the next one works", () =>
  withPage(async (page) => {
    const give = (name, buffer) => page.locator("#file").setInputFiles({ name, mimeType: "image/jpeg", buffer });
    const cases = [
      ["notes.txt", Buffer.from("no picture"), /^notes\.txt: not a picture that this browser can read/],
      ["empty.jpg", Buffer.alloc(0), /^empty\.jpg: not a picture that this browser can read/],
      ["cut.jpg", (await read("photo.jpg")).subarray(0, 30_000), /^cut\.jpg: not a picture that this browser can read/],
      ["cut.png", (await read("transparent.png")).subarray(0, 5000), /^cut\.png: the PNG is damaged or cut off$/],
    ];
    for (const [name, content, line] of cases) {
      await give(name, content);
      assert.doesNotMatch(await settle(page, line), /\n/);
    }
    await choose(page, "small.png");
    await settle(page, /^small\.png: 90 × 60/);
  }));

test("nothing is asked of any other origin, and no picture is sent", () =>
  withPage(async (page, context) => {
    const listRequests = noteRequests(context);
    await page.reload();
    await settle(page, /^grace_hopper/);
    await choose(page, "photo.jpg");
    await settle(page, /^photo\.jpg/);
    await download(page, "grey map");
    checkRequests(listRequests(), address());
  }));

test("the page's policy forbids requests to other origins", () =>
  withPage(async (page) => {
    const error = await page.evaluate(() => fetch("https://example.org").catch((error) => error.message));
    assert.match(error, /Failed to fetch/);
    const violation = await page.evaluate(async () => {
      const seen = new Promise((resolve) =>
        document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective)),
      );
      fetch("https://example.org").catch(() => undefined);
      return seen;
    });
    assert.equal(violation, "connect-src");
  }));

test("the page works without isolation, on one thread", async () => {
  const plain = await serve({});
  try {
    await withPage(async (page) => assert.equal(await page.evaluate(() => crossOriginIsolated), false), {
      url: plain.url,
    });
  } finally {
    plain.close();
  }
});

const haveCores = (page, count) =>
  page.addInitScript((count) => Object.defineProperty(navigator, "hardwareConcurrency", { value: count }), count);

test("from the second time on the page has threads, on a host that sets no headers too", async () => {
  const plain = await serve({});
  try {
    await withPage(
      async (page, context) => {
        await haveCores(page, 4);
        const runtimes = new Set();
        context.on("request", (request) => runtimes.add(request.url().match(/\w+\.wasm$/)?.[0]));
        await page.reload();
        await settle(page, /^grace_hopper\.jpg: 512 × 600/);
        runtimes.delete(undefined);
        // One without threads would have been loaded after this one, if this one had failed.
        assert.deepEqual([...runtimes], ["litert_wasm_threaded_internal.wasm"]);
      },
      { url: plain.url },
    );
  } finally {
    plain.close();
  }
});

for (const isolated of [true, false]) {
  test(`the page opens without a network, once it was open, ${isolated ? "isolated" : "and not isolated"}`, async () => {
    const gone = await serve(isolated ? undefined : {});
    await withPage(
      async (page) => {
        await page.waitForFunction(async () => {
          const kept = await (await caches.open("salgan-web-demo")).keys();
          return ["model.tflite", ".wasm"].every((ending) => kept.some(({ url }) => url.endsWith(ending)));
        });
        gone.close();
        // Even where the page now wants a runtime with threads, which it never loaded.
        await haveCores(page, 4);
        await page.reload();
        await settle(page, /^grace_hopper\.jpg: 512 × 600/);
        await choose(page, "small.png");
        await settle(page, /^small\.png: 90 × 60/);
        assert.equal(await page.evaluate(() => crossOriginIsolated), true);
      },
      { url: gone.url },
    );
  });
}

test("the single file opens from a disk, asks for nothing, and gives the same map", () =>
  withPage(
    async (page, context) => {
      const listRequests = noteRequests(context);
      await choose(page, "transparent.png");
      await settle(page, /^transparent\.png/);
      const { bytes } = await download(page, "grey map");
      const levels = (await readPng(bytes)).rgba.filter((_, i) => i % 4 === 0);
      const expected = await read("transparent.png.levels");
      assert.ok(levels.filter((level, i) => level !== expected[i]).length <= levels.length / 10_000);
      assert.deepEqual(
        listRequests().map((request) => request.url()),
        [],
      );
    },
    { url: SINGLE_FILE },
  ));

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds no serious fault in the ${colorScheme} page, nor is it wider than a phone`, () =>
    withPage(
      async (page) => {
        await page.getByRole("button", { name: "Add an area" }).press("Enter");
        await checkOnPhone(page);
      },
      { colorScheme, viewport: { width: 390, height: 844 } },
    ));
}

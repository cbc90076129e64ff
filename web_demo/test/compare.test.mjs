/** Two pictures in Chromium, with the shares of the maps that the package makes. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { checkOnPhone, download, hand, PICTURES, settle, startBrowser } from "./browser.mjs";
import { load } from "./load.mjs";

const { readPng } = await load("png");
const { diverge, findMoved, subtract } = await load("difference");
const { withPage } = startBrowser();
const read = (name) => readFile(`${PICTURES}/${name}`);
const opened = { tab: "compare", line: /^A: grace_hopper\.jpg, 512 × 600 pixels; B: grace_hopper_mirrored\.png, 512/ };
const text = ({ bytes }) => new TextDecoder().decode(bytes);

test("the difference is B's share of the attention minus A's, at each pixel of A", () => {
  const a = { width: 2, height: 2, values: Float32Array.of(0.1, 0.1, 0.1, 0.1) };
  const b = { width: 2, height: 2, values: Float32Array.of(0, 0, 0.2, 0.2) };
  const difference = subtract(a, b);
  assert.deepEqual([...difference.values], [-1, -1, 1, 1]);
  assert.equal(findMoved(difference), 0.5);
  // Twice the map is the same distribution, as is a larger map of the same.
  const twice = { ...a, values: a.values.map((value) => 2 * value) };
  const larger = { width: 4, height: 4, values: new Float32Array(16).fill(0.3) };
  for (const same of [twice, larger]) assert.ok(findMoved(subtract(a, same)) < 1e-6);
});

test("the colours of the difference differ for colour-blind people, and are lightest where nothing differs", () => {
  // Machado et al. 2009, for who lacks one kind of cone.
  const kinds = {
    all: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
    deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
    tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
  };
  const linear = (level) => (level <= 10.31 ? level / 3294.6 : ((level / 255 + 0.055) / 1.055) ** 2.4);
  const multiply = (matrix, vector) =>
    [0, 3, 6].map((row) => vector.reduce((sum, v, i) => sum + matrix[row + i] * v, 0));
  const toLab = (rgb) => {
    const xyz = multiply([0.4124, 0.3576, 0.1805, 0.2126, 0.7152, 0.0722, 0.0193, 0.1192, 0.9505], rgb);
    const [x, y, z] = xyz.map((value, i) => Math.cbrt(Math.max(value, 0) / [0.9505, 1, 1.089][i]));
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  };
  for (const [kind, matrix] of Object.entries(kinds)) {
    const see = (difference) => toLab(multiply(matrix, diverge(difference).map(linear)));
    for (const size of [0.25, 0.5, 1]) {
      const [a, none, b] = [see(-size), see(0), see(size)];
      const distance = (one, other) => Math.hypot(...one.map((value, i) => value - other[i]));
      // A just noticeable distance is some 2.3.
      for (const seen of [distance(a, b), distance(a, none), distance(b, none)])
        assert.ok(seen > 8, `${kind}: ${seen}`);
      assert.ok(none[0] > Math.max(a[0], b[0]));
    }
  }
});

test("the example and its mirror image are shown with their difference", () =>
  withPage(async (page) => {
    const share = /^(\d+\.\d) % of the attention lies elsewhere in B than in A\.$/;
    const [, moved] = (await page.locator("#moved").textContent()).match(share);
    assert.ok(moved > 5 && moved < 60, moved);
    await page.getByText("more in A").waitFor();
    assert.match(await page.locator("#scale").textContent(), /^The strongest colour is a difference of \d+\.\d times/);
  }, opened));

test("pictures are chosen, dropped on a side, pasted to the free one, dropped together and swapped", () =>
  withPage(async (page) => {
    const sides = () => page.locator(".pair figcaption").allTextContents();
    await page.locator("#file-b").setInputFiles(`${PICTURES}/small.png`);
    // The example does not stay beside it.
    await settle(page, /^B: small\.png, 90 × 60 pixels$/);
    assert.deepEqual(await sides(), ["A: no picture yet", "B: small.png"]);
    assert.ok(await page.locator("#difference").isHidden());
    await hand(page, "paste", "photo.jpg");
    await settle(page, /^A: photo\.jpg, 512 × 600 pixels; B: small/);
    await page.getByText("B’s map was stretched to A’s").waitFor();
    await hand(page, "drop", "photo.jpg", "#canvas-b");
    await settle(page, /B: photo\.jpg, 512 × 600 pixels$/);
    assert.equal(await page.locator("#moved").textContent(), "0.0 % of the attention lies elsewhere in B than in A.");
    await hand(page, "drop", ["palette.png", "narrow.png"]);
    await settle(page, /^A: palette\.png, 512 × 600 pixels; B: narrow\.png, 200 × 500 pixels$/);
    await page.getByRole("button", { name: "Swap" }).click();
    assert.deepEqual(await sides(), ["A: narrow.png", "B: palette.png"]);
    const size = await page.locator("#difference-map").evaluate(({ width, height }) => [width, height]);
    assert.deepEqual(size, [200, 500]);
  }, opened));

test("the same areas are drawn on either picture, and measured in both as the package's maps say", () =>
  withPage(async (page) => {
    await hand(page, "drop", ["photo.jpg", "transparent.png"]);
    await settle(page, /^A: photo\.jpg, 512 × 600 pixels; B: transparent\.png, 400 × 300/);
    await page.getByRole("button", { name: "Add an area" }).click();
    const { x, y, width, height } = await page.locator("#boxes-b").boundingBox();
    await page.mouse.move(x + width / 4, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width, y + height * 0.75, { steps: 3 });
    await page.mouse.up();
    assert.equal(await page.locator("#boxes-a > *").count(), 1);
    // No second one is drawn on the other picture.
    await page.locator("#boxes-a").click({ position: { x: 5, y: 5 } });
    await page.getByRole("tabpanel").getByLabel("Name of the area").fill("price");
    // Moved by keyboard on A, it moves on B.
    await page.locator("#boxes-a > *").press("ArrowUp");
    const json = await download(page, "JSON");
    assert.equal(json.name, "photo_transparent_comparison.json");
    const { a, b, attention_elsewhere: moved, regions } = JSON.parse(text(json));
    assert.deepEqual(
      [a, b],
      [
        { name: "photo.jpg", width: 512, height: 600 },
        { name: "transparent.png", width: 400, height: 300 },
      ],
    );
    assert.ok(moved > 0 && moved < 1);
    assert.equal(regions.length, 1);
    const [region] = regions;
    assert.equal(region.name, "price");
    const place = [region.x, region.y, region.width, region.height];
    place.forEach((value, i) => assert.ok(Math.abs(value - [0.25, 0.49, 0.75, 0.25][i]) < 0.01, String(place)));
    for (const [name, size, share] of [
      ["photo.jpg", [512, 600], region.attention_a],
      ["transparent.png", [400, 300], region.attention_b],
    ]) {
      const values = new Float32Array((await read(`${name}.f32`)).buffer);
      const [left, right] = [region.x, region.x + region.width].map((part) => Math.round(part * size[0]));
      const [top, bottom] = [region.y, region.y + region.height].map((part) => Math.round(part * size[1]));
      let [inside, total] = [0, 0];
      values.forEach((value, i) => {
        const [column, row] = [i % size[0], Math.floor(i / size[0])];
        total += value;
        if (column >= left && column < right && row >= top && row < bottom) inside += value;
      });
      assert.ok(Math.abs(share - inside / total) <= 1e-6, `${name}: ${share} and ${inside / total}`);
    }
    assert.ok(Math.abs(region.attention_b - region.attention_a - region.difference) < 1e-12);
    const rows = text(await download(page, "CSV")).split("\r\n");
    assert.equal(rows[0], "name,x,y,width,height,attention_a,attention_b,difference");
    assert.equal(rows[1], `"price",${Object.values(region).slice(1).join()}`);
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const cells = await page.locator("#share-pairs td").allTextContents();
    assert.deepEqual(cells.slice(1, 3), [percent(region.attention_a), percent(region.attention_b)]);
    await page.getByRole("button", { name: "Remove price" }).click();
    assert.equal(await page.locator(".pair .boxes > *").count(), 0);
  }, opened));

test("a polygon is drawn on A by keys, and is at the same place in B", () =>
  withPage(async (page) => {
    await hand(page, "drop", ["photo.jpg", "small.png"]);
    await settle(page, /^A: photo\.jpg, 512 × 600 pixels; B: small\.png/);
    await page.getByRole("button", { name: "Add a polygon" }).click();
    for (const key of ["Space", "ArrowRight", "Space", "ArrowDown", "Space", "Enter"]) await page.keyboard.press(key);
    const { regions } = JSON.parse(text(await download(page, "JSON")));
    assert.deepEqual(regions[0].polygon, [
      [0.5, 0.5],
      [0.51, 0.5],
      [0.51, 0.51],
    ]);
    assert.ok(regions[0].attention_a > 0);
    const centres = await page.locator(".pair .polygon").evaluateAll((boxes) => boxes.map(({ style }) => style.left));
    assert.deepEqual(centres, ["50%", "50%"]);
  }, opened));

test("the comparison is downloaded as one picture", () =>
  withPage(async (page) => {
    await page.getByRole("button", { name: "Add an area" }).press("Enter");
    const { name, bytes } = await download(page, "the comparison");
    assert.equal(name, "grace_hopper_grace_hopper_mirrored_comparison.png");
    const { width, height, rgba } = await readPng(bytes);
    assert.ok(width > 1900 && height > 800);
    const colours = new Set();
    for (let i = 0; i < rgba.length; i += 4 * 97) colours.add(rgba.slice(i, i + 3).join());
    assert.ok(colours.size > 1000);
  }, opened));

test("a file that cannot be used is named with its side, and the other side stays", () =>
  withPage(async (page) => {
    const broken = { name: "notes.txt", mimeType: "image/png", buffer: Buffer.from("no picture") };
    await page.locator("#file-a").setInputFiles(`${PICTURES}/small.png`);
    await page.locator("#file-b").setInputFiles(broken);
    await settle(page, /^A: small\.png, 90 × 60 pixels; B: notes\.txt: not a picture that this browser can read/);
    await hand(page, "drop", ["small.png", "narrow.png", "wide.png"]);
    await settle(page, /^Two pictures are compared, and these are 3: choose two of them\.$/);
    await hand(page, "paste", "narrow.png");
    await settle(page, /^A: small\.png, 90 × 60 pixels; B: narrow\.png, 200 × 500 pixels$/);
  }, opened));

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds no serious fault in the ${colorScheme} comparison, nor is it wider than a phone`, () =>
    withPage(
      async (page) => {
        await page.getByRole("button", { name: "Add an area" }).press("Enter");
        await checkOnPhone(page);
      },
      { ...opened, colorScheme, viewport: { width: 390, height: 844 } },
    ));
}

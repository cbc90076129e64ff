/** What the page computes itself is what OpenCV and Pillow compute: see goldens.py. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, floats, goldens, load, makeMap, sides } from "./load.mjs";

const { resizeArea } = await load("area");
const { blur, resizeCubic } = await load("smooth");
const { toLevels } = await load("levels");
const { drawHeat, drawOverlay, STRENGTH } = await load("drawing");
const { readPalettes } = await load("palettes");
const { decode } = await load("decode");
const { readPng, writeGreyPng } = await load("png");

function makePicture(width, height) {
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    for (let channel = 0; channel < 3; channel++) {
      rgba[4 * i + channel] = (37 * x + 91 * y + 53 * channel + x * y * (channel + 1)) % 256;
    }
  }
  return { width, height, rgba };
}

function makeSpots(width, height) {
  const value = (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (x === width - 3 && y === 5) return 0.001;
    return (x - Math.floor(width / 3)) ** 2 + (y - Math.floor(height / 2)) ** 2 < 60 ? 0.3 : 0;
  };
  return { width, height, values: Float32Array.from({ length: width * height }, value) };
}

const dropAlpha = (rgba) => Uint8Array.from(rgba).filter((_, i) => i % 4 !== 3);
const mostDifference = (found, expected) =>
  found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);

for (const [size, expected] of Object.entries(goldens.resized)) {
  test(`a picture of ${size} is resized by area as OpenCV does, to the bit`, () => {
    assert.deepEqual(resizeArea(makePicture(...sides(size)), 32, 24), bytes(expected));
  });
}

for (const [size, expected] of Object.entries(goldens.smoothed)) {
  test(`a map is resized to ${size} and blurred within 1e-6 of OpenCV's`, () => {
    const map = resizeCubic(makeMap(20, 16), ...sides(size));
    assert.ok(mostDifference(map.values, floats(expected.cubic)) <= 1e-6);
    blur(map);
    assert.ok(mostDifference(map.values, floats(expected.blurred)) <= 1e-6);
  });
}

for (const [size, expected] of Object.entries(goldens.levels)) {
  test(`levels and their dark border are those of predict: ${size}`, () => {
    const map = size === "dark" ? { width: 5, height: 4, values: new Float32Array(20) } : makeSpots(...sides(size));
    assert.deepEqual(toLevels(map), bytes(expected));
  });
}

test("overlay and heat map are those of the package, to the bit", async () => {
  const [picture, map, palettes] = [makePicture(32, 32), makeMap(32, 32), await readPalettes()];
  const overlay = drawOverlay(picture, map, palettes.turbo, STRENGTH);
  assert.deepEqual(dropAlpha(overlay.rgba), bytes(goldens.drawn.overlay));
  assert.deepEqual(dropAlpha(drawHeat(picture, map, palettes.inferno).rgba), bytes(goldens.drawn.heat));
});

test("an overlay without strength is the picture", async () => {
  const picture = makePicture(8, 8);
  const overlay = drawOverlay(picture, makeMap(8, 8), (await readPalettes()).viridis, 0);
  assert.deepEqual(overlay, picture);
});

for (const [kind, { file, width, rgb }] of Object.entries(goldens.pngs)) {
  test(`a PNG is read as the package reads it: ${kind}`, async () => {
    const picture = await decode(new Blob([bytes(file)]));
    assert.equal(picture.width, width);
    assert.deepEqual(dropAlpha(picture.rgba), bytes(rgb));
  });
}

test("a PNG that is cut off anywhere is named as such", async () => {
  const whole = bytes(goldens.pngs.rgb.file);
  for (let size = 8; size < whole.length - 20; size += 7) {
    await assert.rejects(decode(new Blob([whole.subarray(0, size)])), /damaged or cut off/);
  }
});

test("a grey PNG is read as it was written", async () => {
  const levels = Uint8Array.from({ length: 35 }, (_, i) => 7 * i);
  const blob = await writeGreyPng(levels, 7, 5);
  const { width, height, rgba } = await readPng(new Uint8Array(await blob.arrayBuffer()));
  assert.deepEqual([width, height], [7, 5]);
  assert.deepEqual(
    rgba.filter((_, i) => i % 4 === 0),
    Uint8ClampedArray.from(levels),
  );
});

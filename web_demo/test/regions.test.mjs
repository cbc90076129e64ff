/** Areas, their files and crops: what the page computes is what the package does, see goldens.py and pictures.py. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { PICTURES } from "./browser.mjs";
import { floats, goldens, load, makeMap, sides } from "./load.mjs";

const { findCentre, findHalf, fit, measure, move } = await load("regions");
const { readRegions, writeRegions } = await load("region-file");
const { bestCrop, readAspect } = await load("crops");

const read = async (name) => JSON.parse(await readFile(`${PICTURES}/${name}`));
const readMap = async () => {
  const values = new Float32Array((await readFile(`${PICTURES}/photo.jpg.f32`)).buffer);
  return { width: 512, height: 600, values };
};
const isNear = (found, expected) => assert.ok(Math.abs(found - expected) <= 1e-9, `${found}, expected ${expected}`);

test("half of the attention lies on the brightest pixels, and its centre is their mean place", () => {
  const map = { width: 4, height: 2, values: Float32Array.of(0, 1, 0, 0, 2, 4, 0, 1) };
  assert.equal(findHalf(map), 1 / 8);
  assert.deepEqual(findCentre(map), [(1.5 + 1 + 6 + 3.5) / 8, (0.5 + 7 * 1.5) / 8]);
  assert.deepEqual(findCentre({ ...map, values: new Float32Array(8) }), [2, 1]);
});

test("polygons have the shares of attention and area that the package gives them", () => {
  const map = makeMap(40, 30);
  const shares = measure(
    map,
    goldens.shares.map(({ polygon }) => ({ name: "", polygon })),
  );
  shares.forEach(({ attention, area }, i) => {
    isNear(attention, goldens.shares[i].attention);
    isNear(area, goldens.shares[i].area);
  });
  assert.equal(measure({ ...map, values: new Float32Array(1200) }, [shares[0].region])[0].attention, 0);
});

test("a photograph's shares are those of predict --regions", async () => {
  const [map, { regions }] = [await readMap(), await read("regions.json")];
  const [expected] = (await read("attention/attention.json")).photographs;
  isNear(findHalf(map), expected.area_of_half_the_attention);
  measure(map, regions).forEach(({ attention, area }, i) => {
    isNear(attention, expected.regions[i].attention);
    isNear(area, expected.regions[i].area);
  });
});

test("a box is fitted into the picture, with at least one pixel", () => {
  const fitted = (x, y, width, height) => Object.values(fit({ name: "", x, y, width, height }, 10, 6)).slice(1);
  assert.deepEqual(fitted(8.2, 5.4, -4, -3), [4, 2, 4, 3]);
  assert.deepEqual(fitted(-5, -5, 100, 100), [0, 0, 10, 6]);
  assert.deepEqual(fitted(10, 6, 0, 0), [9, 5, 1, 1]);
});

test("a region is moved by whole pixels, and stops at the edges", () => {
  const polygon = [
    [1.5, 1],
    [4, 1],
    [4, 3.25],
  ];
  const moved = (x, y) => move({ name: "", polygon }, x, y, 10, 6).polygon[0];
  assert.deepEqual(moved(2.4, -0.6), [3.5, 0]);
  assert.deepEqual(moved(100, 100), [7.5, 3]);
  assert.deepEqual(moved(-100, -100), [0.5, 0]);
});

test("a file of regions is read as it was written", async () => {
  const { regions } = await read("regions.json");
  const text = writeRegions(regions);
  assert.deepEqual(JSON.parse(text), { regions });
  assert.deepEqual(readRegions(text, "photo.jpg", 512, 600), regions);
});

const BOX = { name: "logo", x: 10, y: 5, width: 30, height: 20 };

test("a file of regions by photograph has those of a name, whatever its folder", () => {
  const other = { ...BOX, name: "other" };
  const find = (photographs) => readRegions(JSON.stringify({ photographs }), "a.jpg", 80, 60).map(({ name }) => name);
  assert.deepEqual(find({ "b.jpg": [other], "a.jpg": [BOX] }), ["logo"]);
  assert.deepEqual(find({ "summer/a.jpg": [BOX] }), ["logo"]);
  assert.deepEqual(find({ "summer/a.jpg": [other], "a.jpg": [BOX] }), ["logo"]);
  assert.throws(() => find({ "x/a.jpg": [], "y/a.jpg": [] }), /^Error: it has several lists of a\.jpg$/);
  assert.throws(() => find({ "b.jpg": [] }), /it has no regions of a\.jpg/);
});

// The causes are those of tests/test_regions.py.
const REFUSED = [
  ["{", "not a JSON file"],
  [[], "expected either regions, a list, or photographs, an object of lists by name"],
  [{}, "expected either regions"],
  [null, "expected either regions"],
  [{ regions: [], photographs: {} }, "expected either regions"],
  [{ photographs: [] }, "expected either regions"],
  [{ photographs: null }, "expected either regions"],
  [{ regions: {} }, "the regions are not a list"],
  [{ photographs: { "a.jpg": BOX } }, "the regions are not a list"],
  [{ regions: ["logo"] }, "region 1: expected name and either x, y, width and height, or polygon"],
  [{ regions: [{ ...BOX, color: "red" }] }, "region 1: expected name"],
  [{ regions: [BOX, BOX] }, "region 2: there is another one called “logo”"],
  [{ regions: [{ ...BOX, name: " " }] }, "region 1: its name is not a line of up to 100 letters"],
  [{ regions: [{ ...BOX, name: 1 }] }, "region 1: its name is not a line of up to 100 letters"],
  [{ regions: [{ ...BOX, name: "a\nb" }] }, "region 1: its name is not a line of up to 100 letters"],
  [{ regions: [{ ...BOX, name: "a".repeat(101) }] }, "region 1: its name is not a line of up to 100 letters"],
  [{ regions: [{ ...BOX, width: 0 }] }, "region 1: width and height must be above 0"],
  [{ regions: [{ ...BOX, x: "10" }] }, 'region 1: "10" is not a number of pixels'],
  [{ regions: [{ ...BOX, x: true }] }, "region 1: true is not a number of pixels"],
  ['{"regions": [{"name": "a", "x": 1e400, "y": 0, "width": 1, "height": 1}]}', "is not a number of pixels"],
  [{ regions: [{ ...BOX, x: 51 }] }, "region 1 reaches out of a.jpg, which is 80 × 60"],
  [{ regions: [{ ...BOX, y: -1 }] }, "region 1 reaches out of a.jpg"],
  [{ regions: [{ ...BOX, width: 0.4, x: 3 }] }, "region 1 contains no pixel"],
  [{ regions: [{ name: "a", polygon: [[1, 2]] }] }, "at least three corners"],
  [{ regions: [{ name: "a", polygon: [[1, 2], [3, 4], 5] }] }, "a corner of a polygon is a list"],
];

for (const [content, cause] of REFUSED) {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  test(`a file of regions is refused in one line: ${text.slice(0, 80)}`, () => {
    assert.throws(
      () => readRegions(text, "a.jpg", 80, 60),
      ({ message }) => message.includes(cause) && !message.includes("\n"),
    );
  });
}

const ASPECTS = [1, 4 / 5, 16 / 9, 9 / 16, 3 / 2, 60, 1 / 60];
for (const [size, expected] of Object.entries(goldens.crops)) {
  test(`the windows of a map are those of best_crop: ${size}`, () => {
    const map = size === "dark" ? { width: 16, height: 9, values: new Float32Array(144) } : makeMap(...sides(size));
    const windows = ASPECTS.flatMap((aspect) => {
      const { x, y, width, height } = bestCrop(map, aspect);
      return [x, y, x + width, y + height];
    });
    assert.deepEqual(windows, [...floats(expected)]);
  });
}

test("the windows of a photograph's map are those of best_crop", async () => {
  const map = await readMap();
  for (const [aspect, window] of Object.entries(await read("crops.json"))) {
    const { x, y, width, height } = bestCrop(map, readAspect(aspect));
    assert.deepEqual([x, y, x + width, y + height], window, aspect);
  }
});

test("a shape that is none is refused", () => {
  assert.equal(readAspect(" 1.91:1 "), 1.91);
  for (const text of ["", "16/9", "0:1", "1:0", "1:", "-1:2", "1e3:1", "1:2:3"]) {
    assert.throws(() => readAspect(text), /is not a shape: expected width:height, such as 3:2/);
  }
});

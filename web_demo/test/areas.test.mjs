/** What the tab of one picture has besides the map, in Chromium: areas, the crop, the centre, what it says of drawings. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { checkOnPhone, download, hand, PICTURES, settle, startBrowser } from "./browser.mjs";
import { load } from "./load.mjs";

const { readPng } = await load("png");
const { withPage } = startBrowser();
const read = (name) => readFile(`${PICTURES}/${name}`);
const choose = (page, name) => page.locator("#file").setInputFiles(`${PICTURES}/${name}`);
const downloadJson = async (page, button) => {
  const { name, bytes } = await download(page, button);
  return { name, content: JSON.parse(new TextDecoder().decode(bytes)) };
};
const downloadText = async (page, button) => new TextDecoder().decode((await download(page, button)).bytes);
const isNear = (found, expected) => assert.ok(Math.abs(found - expected) <= 1e-6, `${found}, expected ${expected}`);

/** Clicks at places of the picture, in shares of its sides. */
async function clickAll(page, places) {
  const move = await findMove(page);
  for (const place of places.split(" ")) {
    await move(place);
    await page.mouse.down();
    await page.mouse.up();
  }
}

async function drag(page, from, to) {
  const move = await findMove(page);
  await move(from);
  await page.mouse.down();
  await move(to);
  await page.mouse.up();
}

async function findMove(page) {
  const { x, y, width, height } = await page.locator("#boxes").boundingBox();
  return (place) => {
    const [across, down] = place.split(",");
    return page.mouse.move(x + across * width, y + down * height, { steps: 4 });
  };
}

test("boxes are drawn, moved, resized, named, measured, downloaded and removed", () =>
  withPage(async (page) => {
    await page.getByRole("button", { name: "Add an area" }).click();
    // Backwards, then moved to the corner, and beyond.
    await drag(page, "0.5,0.5", "0.25,0.25");
    await drag(page, "0.4,0.4", "0.0,0.0");
    await page.getByRole("button", { name: "Add an area" }).focus();
    await page.keyboard.press("Enter");
    for (let step = 0; step < 20; step++) await page.keyboard.press("Shift+ArrowRight");
    await page.getByLabel("Name of the area").nth(1).fill('a "face"');
    const { name, content } = await downloadJson(page, "Download the areas");
    assert.equal(name, "grace_hopper_regions.json");
    assert.deepEqual(content, {
      regions: [
        { name: "Area 1", x: 0, y: 0, width: 128, height: 150 },
        { name: 'a "face"', x: 171, y: 200, width: 170 + 120, height: 200 },
      ],
    });
    const values = new Float32Array((await read("photo.jpg.f32")).buffer);
    const inside = (i) => i % 512 >= 171 && i % 512 < 171 + 290 && i >= 200 * 512 && i < 400 * 512;
    const sum = (keep) => values.reduce((sum, value, i) => (keep(i) ? sum + value : sum), 0);
    const csv = (await downloadText(page, "CSV")).split("\r\n");
    assert.equal(csv.length, 4);
    assert.equal(csv[0], "photograph,region,attention,area,ratio");
    assert.match(csv[2], /^"grace_hopper.jpg","a ""face""",/);
    isNear(Number(csv[2].split(",")[2]), sum(inside) / sum(() => true));
    await page.getByRole("button", { name: "Remove Area 1" }).click();
    await page.getByRole("group", { name: /^a "face"/ }).press("Delete");
    await page.locator("#areas").waitFor({ state: "hidden" });
  }));

test("a file for predict --regions gives its shares, and is downloaded as it was", () =>
  withPage(async (page) => {
    await choose(page, "photo.jpg");
    await settle(page, /^photo\.jpg/);
    await hand(page, "drop", "regions.json");
    await settle(page, /^regions\.json: 4 areas over photo\.jpg\.$/);
    const [found] = (await downloadJson(page, "numbers")).content.photographs;
    const [expected] = JSON.parse(await read("attention/attention.json")).photographs;
    assert.equal(found.photograph, "photo.jpg");
    assert.deepEqual([found.width, found.height], [expected.width, expected.height]);
    isNear(found.area_of_half_the_attention, expected.area_of_half_the_attention);
    expected.regions.forEach(({ name, ...numbers }, i) => {
      assert.equal(found.regions[i].name, name);
      assert.deepEqual(Object.keys(found.regions[i]), ["name", ...Object.keys(numbers)]);
      for (const [column, value] of Object.entries(numbers)) isNear(found.regions[i][column], value);
    });
    const { content } = await downloadJson(page, "Download the areas");
    assert.deepEqual(content, JSON.parse(await read("regions.json")));
    const places = (await downloadText(page, "CSV")).split("\r\n").map((row) => row.split(",").length);
    // Of the name "Uniform, ""blue""", too.
    assert.deepEqual(places, [5, 5, 5, 6, 5, 1]);
  }));

test("areas are chosen as a file, and a file that cannot be used changes nothing", () =>
  withPage(async (page) => {
    const give = (name, content) =>
      page
        .locator("#open-areas")
        .setInputFiles({ name, mimeType: "application/json", buffer: Buffer.from(JSON.stringify(content)) });
    const box = { name: "logo", x: 1, y: 2, width: 3, height: 4 };
    await give("good.json", { photographs: { "grace_hopper.jpg": [box] } });
    await settle(page, /^good\.json: 1 area over grace_hopper\.jpg\.$/);
    await give("wide.json", { regions: [{ ...box, width: 512 }] });
    assert.equal(
      await settle(page, /^wide\.json/),
      "wide.json: region 1 reaches out of grace_hopper.jpg, which is 512 × 600",
    );
    await give("list.json", [box]);
    await settle(page, /^list\.json: expected either regions, a list, or photographs/);
    assert.deepEqual((await downloadJson(page, "Download the areas")).content, { regions: [box] });
    // Two of a name would be refused by predict.
    await page.getByRole("button", { name: "Add an area" }).press("Enter");
    await page.getByLabel("Name of the area").nth(1).fill("logo");
    await page.getByRole("button", { name: "Download the areas" }).click();
    await settle(page, /^region 2: there is another one called “logo”$/);
  }));

const describe = ({ name, polygon }) => `${name}: ${polygon.join(" ")}`;

test("a polygon is drawn by clicks, closed by its first corner or Enter, moved, and cancelled", () =>
  withPage(async (page) => {
    const add = () => page.getByRole("button", { name: "Add a polygon" }).click();
    await add();
    await clickAll(page, "0.25,0.25 0.5,0.25 0.5,0.5 0.252,0.248");
    await page.getByRole("group", { name: /^Area 1/ }).waitFor();
    await add();
    await clickAll(page, "0.75,0.5 0.997,0.5 0.997,0.75");
    await page.keyboard.press("Enter");
    // Only its inside can be taken; then beyond the edge.
    await drag(page, "0.26,0.48", "0.9,0.9");
    await drag(page, "0.45,0.3", "0.0,0.9");
    await add();
    await clickAll(page, "0.1,0.1");
    await page.keyboard.press("Escape");
    await page.locator(".surface").waitFor({ state: "detached" });
    const { regions } = (await downloadJson(page, "Download the areas")).content;
    assert.deepEqual(regions.map(describe), ["Area 1: 0,450 128,450 128,600", "Area 2: 384,300 512,300 512,450"]);
  }));

test("a polygon is drawn by keys, and one without an area is not closed", () =>
  withPage(async (page) => {
    await page.getByRole("button", { name: "Add a polygon" }).press("Enter");
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await press(" ", "ArrowRight", " ", "ArrowRight", " ", "Enter");
    await page.locator("#how-to-draw").filter({ hasText: "Not an area yet" }).waitFor();
    await press("Control+ArrowDown", "ArrowDown", " ", "Enter");
    await page.getByRole("group", { name: /^Area 1/ }).press("ArrowLeft");
    const { regions } = (await downloadJson(page, "Download the areas")).content;
    assert.deepEqual(regions.map(describe), ["Area 1: 250,300 256,300 262,300 262,307"]);
    assert.equal(await page.locator("#how-to-draw").textContent(), "");
  }));

test("a picture that comes while a polygon is drawn ends it", () =>
  withPage(async (page) => {
    await page.getByRole("button", { name: "Add a polygon" }).click();
    await choose(page, "small.png");
    await page.locator(".surface").waitFor({ state: "detached" });
    assert.equal(await page.locator("#how-to-draw").textContent(), "");
  }));

test("areas, crop and centre are drawn on the downloaded picture, if that is wanted", () =>
  withPage(async (page) => {
    const take = async () => (await readPng((await download(page, "what is shown")).bytes)).rgba;
    const plain = await take();
    const at = (rgba, x, y) => [...rgba.subarray(4 * (y * 512 + x), 4 * (y * 512 + x) + 3)];
    const countChanged = (rgba) => rgba.filter((value, i) => value !== plain[i]).length;
    const file = { regions: [{ name: "low", x: 100, y: 500, width: 300, height: 50 }] };
    await page
      .locator("#open-areas")
      .setInputFiles({ name: "a.json", mimeType: "", buffer: Buffer.from(JSON.stringify(file)) });
    await settle(page, /^a\.json/);
    const outlined = await take();
    assert.deepEqual(at(outlined, 250, 549), [255, 255, 255]);
    assert.ok(countChanged(outlined) < plain.length / 20);
    await page.getByLabel("Show the centre").check();
    assert.ok(countChanged(await take()) > countChanged(outlined));
    await page.getByLabel("Shape").selectOption("16:9");
    // Outside the crop it is dark.
    const cropped = await take();
    at(cropped, 40, 20).forEach((value, i) => assert.ok(Math.abs(value - 0.4 * at(plain, 40, 20)[i]) <= 1));
    await page.getByLabel("with areas").uncheck();
    assert.equal(countChanged(await take()), 0);
  }));

test("the crop of a shape is that of best_crop, and the centre lies where the map's mean is", () =>
  withPage(async (page) => {
    const windows = JSON.parse(await read("crops.json"));
    for (const [shape, [left, top, right, bottom]] of Object.entries(windows)) {
      if (shape === "3:2") await page.getByLabel("Shape").selectOption("Other");
      else await page.getByLabel("Shape").selectOption(shape);
      const line = `${right - left} × ${bottom - top} pixels, ${left} from the left and ${top} from the top, keep`;
      await page.locator("#crop-line").filter({ hasText: line }).waitFor();
    }
    const [{ crop, centre_of_attention: centre }] = (await downloadJson(page, "numbers")).content.photographs;
    const values = new Float32Array((await read("photo.jpg.f32")).buffer);
    const sum = (weigh) => values.reduce((sum, value, i) => sum + value * weigh(i % 512, Math.floor(i / 512)), 0);
    const total = sum(() => 1);
    isNear(centre[0] / 512, sum((x) => x + 0.5) / total / 512);
    isNear(centre[1] / 600, sum((_, y) => y + 0.5) / total / 600);
    const [left, top, right, bottom] = windows["3:2"];
    assert.deepEqual([crop.x, crop.y, crop.width, crop.height], [left, top, right - left, bottom - top]);
    isNear(crop.attention, sum((_, y) => (y >= top && y < bottom ? 1 : 0)) / total);
    await page.getByLabel("Width : height").fill("3 by 2");
    await page.locator("#crop-line").filter({ hasText: "“3 by 2” is not a shape" }).waitFor();
    assert.ok(await page.getByRole("button", { name: "Download the crop" }).isDisabled());
  }));

/** Decodes a file in the page: its size and the mean difference to a part of the picture that is shown. */
const compare = (page, bytes, type, original) =>
  page.evaluate(
    async ({ bytes, type, original }) => {
      const draw = async (bytes, type) => {
        const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type }));
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
        context.drawImage(bitmap, 0, 0);
        return context;
      };
      const [left, top] = ["left", "top"].map((side) => parseFloat(document.getElementById("crop-frame").style[side]));
      const [cut, whole] = [await draw(bytes, type), await draw(original, "")];
      const { width, height } = cut.canvas;
      const [x, y] = [(left * whole.canvas.width) / 100, (top * whole.canvas.height) / 100].map(Math.round);
      const [found, expected] = [cut.getImageData(0, 0, width, height), whole.getImageData(x, y, width, height)];
      const sum = found.data.reduce((sum, value, i) => sum + Math.abs(value - expected.data[i]), 0);
      return { width, height, difference: sum / found.data.length };
    },
    { bytes: [...bytes], type, original: [...original] },
  );

const CROPS = [
  ["photo.jpg", "photo_crop.jpg", "image/jpeg", 2],
  ["orientation_6.jpg", "orientation_6_crop.jpg", "image/jpeg", 2],
  ["transparent.png", "transparent_crop.png", "image/png", 0],
  ["transparent.webp", "transparent_crop.webp", "image/webp", 3],
  ["photo.gif", "photo_crop.png", "image/png", 0],
];

test("a crop is a file of its picture's type, or a PNG, and has its pixels", () =>
  withPage(async (page) => {
    const SIGNS = { "image/jpeg": "\xff\xd8\xff", "image/png": "\x89PNG", "image/webp": "RIFF" };
    await page.getByLabel("Shape").selectOption("1:1");
    for (const [name, expected, type, most] of CROPS) {
      await choose(page, name);
      await settle(page, new RegExp(`^${name}: `));
      const { name: saved, bytes } = await download(page, "Download the crop");
      assert.equal(saved, expected);
      assert.ok(Buffer.from(bytes).toString("latin1").startsWith(SIGNS[type]), name);
      const said = await settle(page, new RegExp(`^${expected}: `));
      assert.equal(/a PNG, as this browser does not write/.test(said), name === "photo.gif");
      const { width, height, difference } = await compare(page, bytes, type, await read(name));
      assert.equal(width, height);
      assert.ok(difference <= most, `${name}: mean difference ${difference}`);
    }
  }));

test("a screenshot or a drawing is named as such, and a photograph is not", () =>
  withPage(async (page, context) => {
    const hint = page.locator("#kind");
    assert.equal(await hint.textContent(), "");
    const other = await context.newPage();
    await other.setContent(`<h1>A headline</h1>${"<p>Some words of text.</p>".repeat(20)}`);
    for (const type of ["png", "jpeg"]) {
      const buffer = await other.screenshot({ type });
      await page.locator("#file").setInputFiles({ name: `shot.${type}`, mimeType: `image/${type}`, buffer });
      await settle(page, new RegExp(`^shot\\.${type}`));
      assert.match(await hint.textContent(), /^This looks like a screenshot or a drawing; the model learned/);
    }
    for (const name of ["24_megapixels.jpg", "grey.png", "small.png"]) {
      await choose(page, name);
      await settle(page, new RegExp(`^${name}: `));
      assert.equal(await hint.textContent(), "", name);
    }
  }));

test("axe finds no serious fault while a polygon is drawn over areas and a crop", () =>
  withPage(
    async (page) => {
      await page.getByLabel("Shape").selectOption("Other");
      await page.getByLabel("Show the centre").check();
      await page.getByRole("button", { name: "Add an area" }).press("Enter");
      await page.getByRole("button", { name: "Add a polygon" }).press("Enter");
      await checkOnPhone(page);
    },
    { viewport: { width: 390, height: 844 } },
  ));

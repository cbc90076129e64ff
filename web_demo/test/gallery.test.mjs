/** Several pictures in Chromium, with the maps that the package makes. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkOnPhone, download, findFaults, hand, PICTURES, settle, startBrowser } from "./browser.mjs";
import { load } from "./load.mjs";

const { readPng } = await load("png");
const { writeZip } = await load("zip");
const { nameResults } = await load("finding");
const { withPage } = startBrowser();
const opened = { tab: "several", line: /^No pictures yet\.$/ };
const PYTHON = process.env.PYTHON ?? "python3";
const text = ({ bytes }) => new TextDecoder().decode(bytes);
const choose = (page, names) => page.locator("#files").setInputFiles(names.map((name) => `${PICTURES}/${name}`));

async function inFolder(check) {
  const folder = await mkdtemp(join(tmpdir(), "gallery-"));
  try {
    return await check(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Reads a ZIP by Python's zipfile, which checks every checksum: contents by names. */
const unzip = (bytes) =>
  inFolder(async (folder) => {
    const path = join(folder, "a.zip");
    await writeFile(path, bytes);
    const code = `
import base64, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as file:
    assert file.testzip() is None
    print(json.dumps({i.filename: [base64.b64encode(file.read(i)).decode(), i.date_time] for i in file.infolist()}))`;
    const output = execFileSync(PYTHON, ["-c", code, path], { encoding: "utf8", maxBuffer: 2 ** 28 });
    return new Map(
      Object.entries(JSON.parse(output)).map(([name, [content, date]]) => [
        name,
        { bytes: new Uint8Array(Buffer.from(content, "base64")), date },
      ]),
    );
  });

test("a ZIP is read by Python, with its names, contents and time", async () => {
  const contents = new Map([
    ["ordner/grün 漢字.png", "abc"],
    ["empty", ""],
    ["many", "x".repeat(100_000)],
  ]);
  const entries = [...contents].map(([name, content]) => ({ name, content: new Blob([content]) }));
  const files = await unzip(new Uint8Array(await (await writeZip(entries)).arrayBuffer()));
  assert.deepEqual(new Map([...files].map(([name, file]) => [name, text(file)])), contents);
  const [year, month, day, hour, minute, second] = files.get("empty").date;
  const age = Date.now() - new Date(year, month - 1, day, hour, minute, second);
  assert.ok(age >= 0 && age < 60_000, String(age));
  const huge = { name: "huge", content: { size: 2 ** 32, arrayBuffer: async () => new ArrayBuffer(0) } };
  await assert.rejects(writeZip([huge]), /more than 4 GB/);
});

test("results of pictures of the same name get a number", () => {
  const taken = new Set();
  const paths = ["a/photo.jpg", "a/photo.png", "a/PHOTO.webp", "photo.jpg", "a.b/photo", "a/photo_2.jpg"];
  assert.deepEqual(
    paths.map((path) => nameResults(path, taken)),
    ["a/photo", "a/photo_2", "a/PHOTO_3", "photo", "a.b/photo", "a/photo_2_2"],
  );
});

test("many pictures become a gallery, a table and a ZIP with the maps that predict writes", () =>
  withPage(async (page) => {
    const names = ["photo.jpg", "transparent.png", "small.png", "orientation_6.jpg", "photo.avif"];
    await choose(page, [...names, "index.json"]);
    await settle(page, /^5 of 6 pictures were looked at\. 1 could not be used: see the table\.$/);
    assert.equal(await page.locator("#gallery img").count(), 5);
    const rows = await page.locator("#findings tr").evaluateAll((rows) => rows.map((row) => row.innerText));
    assert.match(rows[0], /^photo\.jpg\s+512 × 600\s+centre\s+\d+\.\d %$/);
    assert.match(rows[5], /^index\.json\s+not a picture that this browser can read, or a damaged one$/);
    await page.waitForFunction(() => document.querySelector("#gallery img").naturalWidth === 512);

    const zip = await download(page, "ZIP");
    assert.equal(zip.name, "saliency.zip");
    const files = await unzip(zip.bytes);
    const results = ["photo", "transparent", "small", "orientation_6", "photo_2"];
    assert.deepEqual(
      [...files.keys()],
      [...results.flatMap((name) => [`${name}_saliency.png`, `${name}_overlay.jpg`]), "table.csv"],
    );
    for (const [i, name] of names.entries()) {
      const map = await readPng(files.get(`${results[i]}_saliency.png`).bytes);
      const expected = await readFile(`${PICTURES}/${name}.levels`);
      const levels = map.rgba.filter((_, i) => i % 4 === 0);
      assert.equal(levels.length, expected.length);
      // A value within 1e-6 of the middle between two levels may be rounded to either.
      const differences = levels.filter((level, i) => level !== expected[i]).length;
      assert.ok(differences <= levels.length / 10_000, `${name}: ${differences} of ${levels.length} pixels differ`);
    }
    const jpeg = files.get("photo_overlay.jpg").bytes;
    assert.deepEqual([...jpeg.subarray(0, 3)], [0xff, 0xd8, 0xff]);
    const csv = await download(page, "CSV");
    assert.equal(csv.name, "saliency.csv");
    assert.equal(text(csv), text(files.get("table.csv")));
    const lines = text(csv).split("\r\n");
    assert.equal(lines[0], "photograph,width,height,most_attention,area_of_half_the_attention,results,problem");
    assert.match(lines[1], /^"photo\.jpg",512,600,"centre",0\.0\d+,"photo",""$/);
    assert.match(lines[5], /^"photo\.avif",512,600,"centre",0\.0\d+,"photo_2",""$/);
    assert.equal(lines[6], '"index.json","","","","","","not a picture that this browser can read, or a damaged one"');

    // More are added, and all removed.
    await hand(page, "drop", ["palette.png", "narrow.png"]);
    await settle(page, /^7 of 8 pictures were looked at\. 1 could/);
    await hand(page, "paste", ["pixel.png"]);
    await settle(page, /^8 of 9 pictures were looked at\. 1 could/);
    await page.getByRole("button", { name: "Remove all" }).click();
    await settle(page, /^No pictures yet\.$/);
    assert.equal(await page.locator("#gallery img").count(), 0);
    assert.ok(await page.getByRole("button", { name: "ZIP" }).isDisabled());
  }, opened));

test("the work shows how far it is, and is stopped and resumed; what is missing is named", () =>
  withPage(async (page) => {
    const names = Array.from({ length: 40 }, () => ["photo.jpg", "444.jpg", "progressive.jpg"]).flat();
    await choose(page, names);
    await settle(page, /^Looking at 120 pictures …$/);
    const stop = page.getByRole("button", { name: "Stop", exact: true });
    await page.waitForFunction(() => document.getElementById("progress").value >= 3);
    await stop.click();
    const [, stopped] = (await settle(page, /^Stopped: \d+ of 120 are done\.$/)).match(/(\d+) of/);
    assert.ok(stopped >= 3 && stopped < 120, stopped);
    // The picture that was being looked at is still finished.
    await page.waitForTimeout(2000);
    const done = Number((await page.locator("#done").textContent()).match(/^(\d+) of 120$/)[1]);
    assert.ok(done - stopped <= 1, `${done} and ${stopped}`);
    const lines = text(await download(page, "CSV")).split("\r\n");
    assert.equal(lines.filter((line) => line.endsWith(',"not looked at"')).length, 120 - done);
    await page.getByRole("button", { name: "Go on" }).click();
    await settle(page, /^Looking at 120/);
    await page.waitForFunction((done) => document.getElementById("progress").value > done, done);
    // It goes on while another tab is open, and what is removed does not come back.
    await page.getByRole("tab", { name: "Compare two" }).click();
    await settle(page, /mirrored\.png, 512/);
    await page.getByRole("tab", { name: "Several" }).click();
    await stop.click();
    await page.getByRole("button", { name: "Remove all" }).click();
    await choose(page, ["photo.jpg", "444.jpg", "progressive.jpg"]);
    await settle(page, /^3 of 3 pictures were looked at\.$/);
    assert.equal(await page.locator("#gallery img").count(), 3);
    const results = text(await download(page, "CSV")).split("\r\n");
    assert.deepEqual(
      [1, 2, 3].map((row) => results[row].split(",").at(-2)),
      ['"photo"', '"444"', '"progressive"'],
    );
  }, opened));

test("a folder is chosen and dropped with its subfolders, and what is no picture in it is named", () =>
  inFolder((folder) =>
    withPage(async (page, context) => {
      const shop = join(folder, "shop");
      await mkdir(join(shop, "summer"), { recursive: true });
      await mkdir(join(folder, "void"));
      await copyFile(`${PICTURES}/small.png`, join(shop, "a.png"));
      await copyFile(`${PICTURES}/pixel.png`, join(shop, "summer", "a.png"));
      for (const name of ["notes.txt", ".DS_Store"]) await writeFile(join(shop, name), "no picture");
      await writeFile(join(shop, "broken.jpg"), "no picture");
      const done =
        /^2 of 3 pictures were looked at\. 1 could not be used: see the table\. Left out, since they are no pictures: /;
      const check = async () => {
        const line = await settle(page, done);
        assert.match(line, /shop\/notes\.txt/);
        const paths = await page.locator("#findings td:first-child").allTextContents();
        assert.deepEqual(paths.sort(), ["shop/a.png", "shop/broken.jpg", "shop/summer/a.png"]);
        assert.ok((await unzip((await download(page, "ZIP")).bytes)).has("shop/summer/a_saliency.png"));
      };
      await page.locator("#folder").setInputFiles(shop);
      await check();
      await page.getByRole("button", { name: "Remove all" }).click();
      const client = await context.newCDPSession(page);
      const drop = async (path) => {
        const data = { items: [], files: [path], dragOperationsMask: 1 };
        for (const type of ["dragEnter", "dragOver", "drop"]) {
          await client.send("Input.dispatchDragEvent", { type, x: 300, y: 300, data });
        }
      };
      await drop(shop);
      await check();
      assert.match(await page.locator("#status").textContent(), /shop\/\.DS_Store, shop\/notes\.txt\.$/);
      await drop(join(folder, "void"));
      await settle(page, /^What was dropped cannot be used: the folder is empty$/);
    }, opened),
  ));

test("the report needs no other file, runs no script, and shows names as text", () =>
  withPage(async (page, context) => {
    const name = '<img src=x onerror="document.title=1">.png';
    const buffer = await readFile(`${PICTURES}/small.png`);
    await page.locator("#files").setInputFiles([
      { name, mimeType: "image/png", buffer },
      { name: "<b>.txt", mimeType: "image/png", buffer: Buffer.from("no picture") },
    ]);
    await settle(page, /^1 of 2 pictures/);
    const report = await download(page, "report");
    assert.equal(report.name, "saliency.html");
    await inFolder(async (folder) => {
      await writeFile(join(folder, report.name), report.bytes);
      const other = await context.newPage();
      const requests = [];
      other.on("request", (request) => requests.push(request.url()));
      await other.goto(`file://${join(folder, report.name)}`);
      assert.equal(await other.title(), "Where will people look?");
      assert.equal(await other.locator("img").count(), 1);
      assert.ok(await other.locator("img").evaluate((image) => image.complete && image.naturalWidth === 90));
      assert.match(
        await other.locator("img").getAttribute("alt"),
        /^<img src=x onerror="document\.title=1">\.png: most/,
      );
      const cells = await other.locator("td").allTextContents();
      assert.deepEqual(
        [cells[0], cells[1], cells[4]].map((cell) => cell.trim()),
        [name, "90 × 60", "<b>.txt"],
      );
      assert.match(cells[5], /^not a picture/);
      await other.getByText("What it is not:").waitFor();
      assert.deepEqual(requests.filter((url) => !url.startsWith("data:")).length, 1);
      assert.deepEqual(await findFaults(other), []);
    });
  }, opened));

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds no serious fault in the ${colorScheme} gallery, nor is it wider than a phone`, () =>
    withPage(
      async (page) => {
        await choose(page, ["photo.jpg", "transparent.png", "wide.png", "index.json"]);
        await settle(page, /^3 of 4/);
        await checkOnPhone(page);
      },
      { ...opened, colorScheme, viewport: { width: 390, height: 844 } },
    ));
}

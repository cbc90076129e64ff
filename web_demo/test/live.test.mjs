/** Camera and video in Chromium, with its fake camera and videos that it made itself. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  checkOnPhone,
  checkRequests,
  download,
  hand,
  launch,
  noteRequests,
  open,
  serve,
  settle,
  SINGLE_FILE,
  startBrowser,
} from "./browser.mjs";
import { load } from "./load.mjs";
import { makeVideo, writeCamera } from "./videos.mjs";

const { readPng } = await load("png");
const folder = await mkdtemp(join(tmpdir(), "live-"));
const FAKE = "--use-fake-device-for-media-stream";
const { withPage, address } = startBrowser([
  FAKE,
  "--use-fake-ui-for-media-stream",
  `--use-file-for-fake-video-capture=${join(folder, "camera.y4m")}`,
]);
const LIVE = { tab: "live", line: /^Nothing is playing\.$/ };
await writeCamera(join(folder, "camera.y4m"));
after(() => rm(folder, { recursive: true }));

const withTab = (check, options) => withPage(check, { ...LIVE, ...options });
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const pixels = (page) => page.evaluate(() => document.getElementById("live-canvas").toDataURL());
const choose = (page, name, buffer, mimeType = "video/webm") =>
  page.locator("#live-file").setInputFiles({ name, mimeType, buffer });

let film;
const makeFilm = async (page) => (film ??= await makeVideo(page, "video/webm"));

async function startCamera(page) {
  await press(page, "Use the camera");
  await settle(page, /^camera: 320 × 240 pixels\.$/);
  await waitForFrames(page);
}

const waitForFrames = (page) =>
  page
    .locator("#live-speed")
    .filter({ hasText: /^frames a second: [1-9]\d*, a map: \d+ ms$/ })
    .waitFor({ timeout: 60_000 });

async function pauseCamera(page) {
  await press(page, "Pause");
  return waitForRest(page);
}

/** Waits until nothing plays and the frames that the model still had are shown, and returns what is shown. */
async function waitForRest(page) {
  await page.getByRole("button", { name: "Play" }).waitFor({ timeout: 60_000 });
  for (let before = await pixels(page); ;) {
    await page.waitForTimeout(2000);
    const now = await pixels(page);
    if (now === before) return now;
    before = now;
  }
}

async function waitForChange(page, earlier) {
  await page.waitForFunction((earlier) => document.getElementById("live-canvas").toDataURL() !== earlier, earlier, {
    timeout: 60_000,
  });
}

/** Keeps the cameras' streams that the page opens, to see whether it ends them. */
const keepStreams = (page) =>
  page.evaluate(() => {
    globalThis.streams = [];
    const { mediaDevices } = navigator;
    const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (constraints) => {
      streams.push(await getUserMedia(constraints));
      return streams.at(-1);
    };
  });
const states = (page) => page.evaluate(() => streams.map((stream) => stream.getTracks()[0].readyState));

const hidePage = (page) =>
  page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });

test("the camera's frames are shown under their maps, until it is paused", () =>
  withTab(async (page) => {
    await startCamera(page);
    await waitForChange(page, await pixels(page));
    const paused = await pauseCamera(page);
    assert.match(
      await page.locator("#live-canvas").getAttribute("aria-label"),
      /^camera, overlay: most attention lies at/,
    );
    const seen = new Set([paused]);
    const controls = page.locator("#live-controls");
    for (const view of ["Heat alone", "Contours", "Spotlight", "Overlay"]) {
      await controls.getByRole("radio", { name: view }).check();
      seen.add(await pixels(page));
    }
    await controls.getByLabel("Strength").fill("20");
    seen.add(await pixels(page));
    await controls.getByLabel("Colours").selectOption("turbo");
    seen.add(await pixels(page));
    await controls.getByLabel("Before / after").fill("50");
    seen.add(await pixels(page));
    assert.equal(seen.size, 7);
    await press(page, "Play");
    await waitForChange(page, await pixels(page));
  }));

test("no frame waits while the model is busy with another", () =>
  withTab(async (page) => {
    await page.addInitScript(() => {
      globalThis.counts = { frames: 0, waiting: 0, most: 0 };
      globalThis.Worker = class extends Worker {
        constructor(address) {
          super(address);
          // Before the page's own listener, which sends the next frame.
          this.addEventListener("message", () => counts.waiting--);
        }
        postMessage(message, transfer) {
          if ("picture" in message) {
            counts.frames++;
            counts.most = Math.max(counts.most, ++counts.waiting);
          }
          super.postMessage(message, transfer);
        }
      };
    });
    await page.reload();
    await settle(page, LIVE.line);
    await startCamera(page);
    await page.waitForFunction(() => counts.frames > 10, undefined, { timeout: 60_000 });
    assert.equal(await page.evaluate(() => counts.most), 1);
  }));

test("what is shown is close to what is downloaded, and the map is that of a picture", () =>
  withTab(async (page) => {
    await startCamera(page);
    await pauseCamera(page);
    const controls = page.locator("#live-controls");
    for (const view of ["overlay", "heat", "spotlight"]) {
      await controls.getByRole("radio", { name: new RegExp(view, "i") }).check();
      const shown = await readPng(Buffer.from((await pixels(page)).split(",")[1], "base64"));
      const { name, bytes } = await download(page, "this frame");
      assert.equal(name, `camera_${view}.png`);
      const exact = await readPng(bytes);
      assert.deepEqual([exact.width, exact.height], [320, 240]);
      const sum = exact.rgba.reduce((sum, value, i) => sum + Math.abs(value - shown.rgba[i]), 0);
      assert.ok(sum / exact.rgba.length <= 3, `${view}: ${sum / exact.rgba.length} levels on average`);
    }
    await controls.getByLabel("Before / after").fill("100");
    const frame = await download(page, "this frame");
    const map = await download(page, "its grey map");
    assert.equal(map.name, "camera_saliency.png");
    await page.getByRole("tab", { name: "One picture" }).click();
    const buffer = Buffer.from(frame.bytes);
    await page.locator("#file").setInputFiles({ name: "frame.png", mimeType: "image/png", buffer });
    await settle(page, /^frame\.png: 320 × 240/);
    assert.deepEqual((await download(page, "the grey map")).bytes, map.bytes);
  }));

test("the camera is switched off by its button, by another camera, another tab, and when the page is hidden", () =>
  withTab(async (page) => {
    await keepStreams(page);
    await startCamera(page);
    await press(page, "Stop");
    await settle(page, /^The camera is off\.$/);
    await startCamera(page);
    await startCamera(page);
    assert.deepEqual(await states(page), ["ended", "ended", "live"]);
    await page.getByRole("tab", { name: "One picture" }).click();
    await page.getByRole("tab", { name: "Camera and video" }).click();
    await settle(page, /^The camera is off\.$/);
    await startCamera(page);
    await hidePage(page);
    await settle(page, /^The camera is off\.$/);
    assert.deepEqual(await states(page), ["ended", "ended", "ended", "ended"]);
  }));

test("a camera that was asked for is not switched on after its tab was left", () =>
  withTab(async (page) => {
    await keepStreams(page);
    await press(page, "Use the camera");
    await page.getByRole("tab", { name: "One picture" }).click();
    await page.waitForFunction(() => streams[0]?.getTracks()[0].readyState === "ended");
  }));

/** The tab in a Chromium of its own, with other cameras. */
async function withCameras(args, permissions, check) {
  const [browser, server] = [await launch(args), await serve()];
  try {
    await check(await open(await browser.newContext({ permissions }), `${server.url}#live`, LIVE.line));
  } finally {
    await browser.close();
    server.close();
  }
}

test("one of several cameras is chosen", () =>
  withCameras([`${FAKE}=device-count=2`], ["camera"], async (page) => {
    await keepStreams(page);
    await press(page, "Use the camera");
    await page.locator("#live-camera").waitFor();
    const used = () => page.locator("#live-camera option:checked").textContent();
    const other = (await used()) === "fake_device_0" ? "fake_device_1" : "fake_device_0";
    await page.locator("#live-camera").selectOption(other);
    await page.waitForFunction((other) => streams[1]?.getTracks()[0].label === other, other);
    await waitForFrames(page);
    assert.equal(await used(), other);
    assert.deepEqual(await states(page), ["ended", "live"]);
  }));

test("a camera that is refused gives one line", () =>
  withCameras([FAKE], [], async (page) => {
    await press(page, "Use the camera");
    await settle(page, /^camera: it was refused: allow it for this page/);
    // Nor is that line gone when the person comes back from the browser's settings.
    await hidePage(page);
    await settle(page, /^camera: it was refused/);
  }));

test("where there is no camera, the page says so", () =>
  withCameras([], ["camera"], async (page) => {
    await press(page, "Use the camera");
    await settle(page, /^camera: there is none$/);
  }));

test("a video is chosen and dropped, plays to its end, and plays again", () =>
  withTab(async (page) => {
    await choose(page, "film.webm", await makeFilm(page));
    await settle(page, /^film\.webm: 400 × 300 pixels\.$/);
    await waitForFrames(page);
    const last = await waitForRest(page);
    assert.match((await download(page, "this frame")).name, /^film_[12]\.\d\ds_overlay\.png$/);
    await press(page, "Play");
    await waitForChange(page, last);
    await page.locator("body").evaluate(
      (body, bytes) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "dropped.webm"));
        body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
      },
      [...(await makeFilm(page))],
    );
    await settle(page, /^dropped\.webm: 400 × 300 pixels\.$/);
  }));

test("an MP4 is shown, and moved to a position", (t) =>
  withTab(async (page) => {
    const mp4 = await makeVideo(page, "video/mp4");
    if (!mp4) return t.skip("this Chromium makes none");
    await choose(page, "film.mp4", mp4, "video/mp4");
    await settle(page, /^film\.mp4: 400 × 300 pixels\.$/);
    const last = await waitForRest(page);
    await page.getByLabel("Position").fill("0.25");
    await waitForChange(page, last);
    assert.match((await download(page, "this frame")).name, /^film_0\.[3-7]\ds_overlay\.png$/);
  }));

test("a file that cannot be played gives one line, and the next one works", () =>
  withTab(async (page) => {
    const cannot = /: not a video that this browser can play, or a damaged one$/;
    const tone = await makeVideo(page, "audio/webm");
    const cases = [
      ["notes.mp4", Buffer.from("no video"), cannot],
      ["empty.webm", Buffer.alloc(0), cannot],
      ["cut.webm", (await makeFilm(page)).subarray(0, 200), cannot],
      ["tone.webm", tone, /^tone\.webm: it has no pictures, or in an encoding that this browser cannot read$/],
    ];
    for (const [name, content, line] of cases) {
      await choose(page, name, content);
      assert.ok((await settle(page, line)).startsWith(`${name}: `));
    }
    await hand(page, "drop", ["photo.jpg", "small.png"]);
    await settle(page, /^One video at a time: these are 2 files\.$/);
    await choose(page, "film.webm", await makeFilm(page));
    await settle(page, /^film\.webm: 400 × 300 pixels\.$/);
  }));

test("a recording of the overlay is a WebM that plays", () =>
  withTab(async (page) => {
    await startCamera(page);
    await press(page, "Record");
    await page.waitForTimeout(3000);
    const { name, bytes } = await download(page, "Stop recording");
    assert.equal(name, "camera_overlay.webm");
    await page.getByRole("button", { name: "Record", exact: true }).waitFor();
    await choose(page, name, Buffer.from(bytes));
    await settle(page, /^camera_overlay\.webm: 320 × 240 pixels\.$/);
    await waitForFrames(page);
    // To its end, of three seconds.
    await waitForRest(page);
    assert.match((await download(page, "this frame")).name, /^camera_overlay_[234]\.\d\ds_overlay\.png$/);
  }));

test("a recording is saved when its camera is switched off", () =>
  withTab(async (page) => {
    await startCamera(page);
    await press(page, "Record");
    await page.waitForTimeout(1000);
    const { bytes } = await download(page, /^Stop$/);
    assert.ok(bytes.length > 1000);
  }));

test("where the browser cannot record, the page says so", () =>
  withTab(async (page) => {
    await page.addInitScript(() => delete globalThis.MediaRecorder);
    await page.reload();
    await settle(page, LIVE.line);
    assert.ok(await page.getByText("This browser cannot record WebM.").isVisible());
    assert.equal(await page.getByRole("button", { name: "Record" }).count(), 0);
  }));

test("nothing is sent while the camera and a video are shown and recorded", () =>
  withTab(async (page, context) => {
    const listRequests = noteRequests(context);
    await page.reload();
    await settle(page, LIVE.line);
    await startCamera(page);
    await press(page, "Record");
    await page.waitForTimeout(1000);
    await download(page, "Stop recording");
    await choose(page, "film.webm", await makeFilm(page));
    await settle(page, /^film\.webm/);
    await waitForFrames(page);
    checkRequests(listRequests(), address());
  }));

test("the single file shows a camera and a video, too", () =>
  withTab(
    async (page) => {
      await startCamera(page);
      await choose(page, "film.webm", await makeFilm(page));
      await settle(page, /^film\.webm: 400 × 300 pixels\.$/);
      await waitForFrames(page);
      assert.match((await download(page, "this frame")).name, /^film_/);
    },
    { url: SINGLE_FILE },
  ));

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds no serious fault in the ${colorScheme} tab of the camera, nor is it wider than a phone`, () =>
    withTab(
      async (page) => {
        await startCamera(page);
        await choose(page, "film.webm", await makeFilm(page));
        await waitForFrames(page);
        await checkOnPhone(page);
      },
      { colorScheme, viewport: { width: 390, height: 844 } },
    ));
}

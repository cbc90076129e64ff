/** A Chromium with the built page in it, and what tests do there. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { makeServer } from "../serve.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
export const PICTURES = process.env.PICTURES;
export const SINGLE_FILE = new URL("../dist/single.html", import.meta.url).href;

/** @param args more of Chromium's options */
export async function launch(args = []) {
  const executablePath = execFileSync(`${HERE}chromium`, { encoding: "utf8" }).trim();
  return chromium.launch({ executablePath, args: ["--no-sandbox", ...args] });
}

/** Serves the page; `headers` as in serve.mjs. */
export async function serve(headers) {
  const server = makeServer(headers);
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://localhost:${server.address().port}/`, close };
}

/** A browser and a server for the tests of a file; `withPage` opens the page for one of them. */
export function startBrowser(args) {
  let browser, server;
  before(async () => {
    browser = await launch(args);
    server = await serve();
  });
  after(async () => {
    await browser.close();
    server.close();
  });
  /** `tab` is the id of the tab, and `line` what its status line says when it is ready. */
  async function withPage(check, { url = server.url, tab = "", line, ...options } = {}) {
    const context = await browser.newContext({ acceptDownloads: true, ...options });
    try {
      await check(await open(context, `${url}${tab && `#${tab}`}`, line), context);
    } finally {
      await context.close();
    }
  }
  return { withPage, address: () => server.url };
}

/** Opens the page and waits for its status line, which tells of the map of the example where there is no other tab. */
export async function open(context, url, line = /^grace_hopper\.jpg: 512 × 600 pixels/) {
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(url);
  await settle(page, line);
  return page;
}

/** Waits until the line of the page matches, and returns it. */
export async function settle(page, pattern) {
  await page.locator("#status").filter({ hasText: pattern }).waitFor({ timeout: 60_000 });
  return page.locator("#status").textContent();
}

export async function download(page, button) {
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button }).click(),
  ]);
  const chunks = await (await saved.createReadStream()).toArray();
  return { name: saved.suggestedFilename(), bytes: new Uint8Array(Buffer.concat(chunks)) };
}

/** Drops or pastes files of the folder of pictures on an element, as the browser would report it. */
export async function hand(page, event, names, selector = "body") {
  const files = await Promise.all(
    [names].flat().map(async (name) => ({ name, bytes: [...(await readFile(`${PICTURES}/${name}`))] })),
  );
  await page.locator(selector).evaluate(
    (target, { event, files }) => {
      const data = new DataTransfer();
      for (const { name, bytes } of files) data.items.add(new File([new Uint8Array(bytes)], name));
      const options = { bubbles: true, cancelable: true };
      if (event === "drop") target.dispatchEvent(new DragEvent(event, { ...options, dataTransfer: data }));
      else target.dispatchEvent(new ClipboardEvent(event, { ...options, clipboardData: data }));
    },
    { event, files },
  );
}

/** The grave faults that axe finds in the page as it is. */
export async function findFaults(page) {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = await page.evaluate(() => axe.run());
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return grave.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

/** Checks the page as it is, on a phone: axe finds no grave fault, and nothing is wider than the screen. */
export async function checkOnPhone(page) {
  assert.deepEqual(await findFaults(page), []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
}

/** Notes the requests of a context from now on, and returns a function that lists those to a network. */
export function noteRequests(context) {
  const requests = [];
  context.on("request", (request) => requests.push(request));
  return () => requests.filter((request) => !/^(blob|data):/.test(request.url()));
}

/** Checks that requests were made, of the page's own origin alone, and that nothing was sent with them. */
export function checkRequests(requests, address) {
  assert.ok(requests.length > 0);
  for (const request of requests) {
    assert.equal(new URL(request.url()).origin, new URL(address).origin);
    assert.equal(request.method(), "GET");
    assert.equal(request.postData(), null);
  }
}

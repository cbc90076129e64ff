/** A Chromium with the built page in it, and what tests do there. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { makeServer } from "../serve.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
export const PICTURES = process.env.PICTURES;
export const SINGLE_FILE = new URL("../dist/single.html", import.meta.url).href;

export async function launch() {
  const executablePath = execFileSync(`${HERE}chromium`, { encoding: "utf8" }).trim();
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
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

/** Opens the page and waits for the map of the example. */
export async function open(context, url) {
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(url);
  await settle(page, /^grace_hopper\.jpg: 512 × 600 pixels/);
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

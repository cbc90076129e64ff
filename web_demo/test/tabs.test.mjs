/** The tabs: opened by pointer, keyboard and address; each takes what is dropped while it is open. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hand, noteRequests, PICTURES, settle, SINGLE_FILE, startBrowser } from "./browser.mjs";

const { withPage, address } = startBrowser();

test("tabs are opened by click and by keyboard, and tell a screen reader which is open", () =>
  withPage(async (page) => {
    const tabs = page.getByRole("tab");
    const count = await tabs.count();
    const checkOpen = async (name) => {
      assert.deepEqual(await page.getByRole("tab", { selected: true }).allTextContents(), [name]);
      assert.deepEqual(await page.getByRole("tabpanel").count(), 1);
      await page.getByRole("tabpanel", { name }).waitFor();
    };
    await checkOpen("One picture");
    await tabs.nth(1).click();
    await checkOpen("Compare two");
    await page.keyboard.press("ArrowLeft");
    await checkOpen("One picture");
    await page.keyboard.press("ArrowLeft");
    await checkOpen(await tabs.nth(count - 1).textContent());
    await page.keyboard.press("Home");
    await checkOpen("One picture");
    await page.keyboard.press("ArrowRight");
    await checkOpen("Compare two");
    // Only the open tab is a stop of the Tab key.
    assert.equal(await page.locator('[role="tab"][tabindex="0"]').count(), 1);
  }));

test("the address opens a tab, follows the open one, and an unknown one opens the first", () =>
  withPage(
    async (page) => {
      assert.equal(await page.getByRole("tab", { selected: true }).textContent(), "Compare two");
      await page.getByRole("tab", { name: "One picture" }).click();
      assert.equal(page.url(), `${address()}#single`);
      await settle(page, /^grace_hopper\.jpg: 512 × 600/);
      await page.goto(`${address()}#nothing`);
      await page.reload();
      await settle(page, /^grace_hopper\.jpg: 512 × 600/);
    },
    { tab: "compare", line: /^A: grace_hopper\.jpg, 512/ },
  ));

test("what is dropped goes to the tab that is open, and each tab keeps its status line", () =>
  withPage(async (page) => {
    await page.getByRole("tab", { name: "Compare two" }).click();
    await settle(page, /mirrored\.png, 512/);
    await hand(page, "drop", "small.png");
    await settle(page, /^A: small\.png, 90 × 60/);
    await page.getByRole("tab", { name: "One picture" }).click();
    await settle(page, /^grace_hopper\.jpg: 512/);
    await hand(page, "drop", "palette.png");
    await settle(page, /^palette\.png: 512/);
    await hand(page, "drop", ["small.png", "narrow.png"]);
    await settle(page, /^One picture at a time: these are 2 files\.$/);
    await page.getByRole("tab", { name: "Compare two" }).click();
    await settle(page, /^A: small\.png, 90 × 60 pixels$/);
  }));

test("two and several pictures are looked at in the single file too, from a disk, without a request", () =>
  withPage(
    async (page, context) => {
      const listRequests = noteRequests(context);
      await page.locator("#files").setInputFiles([`${PICTURES}/small.png`, `${PICTURES}/photo.jpg`]);
      await settle(page, /^2 of 2 pictures were looked at\.$/);
      await page.waitForFunction(() => document.querySelector("#gallery img").naturalWidth === 90);
      await page.getByRole("tab", { name: "Compare two" }).click();
      await settle(page, /mirrored\.png, 512/);
      assert.deepEqual(
        listRequests().map((request) => request.url()),
        [],
      );
    },
    { url: SINGLE_FILE, tab: "several", line: /^No pictures yet\.$/ },
  ));

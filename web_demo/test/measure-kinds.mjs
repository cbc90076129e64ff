/**
 * How often `looksDrawn` says so: node test/measure-kinds.mjs FOLDER...
 *
 * Of a folder, and those in it, all pictures are judged, and all pages (.html) as screenshots of a desktop and a phone:
 * as they are, as JPEGs of quality 80, halved, and enlarged to 4 megapixels.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { argv } from "node:process";
import { build } from "esbuild";
import { BUNDLING } from "../build.mjs";
import { launch } from "./browser.mjs";

const SCREENS = [
  { viewport: { width: 1280, height: 800 } },
  { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 },
];
const MEGAPIXELS = 4;
const VARIANTS = ["as they are", "JPEG", "halved", "enlarged"];

const bundled = await build({
  ...BUNDLING,
  write: false,
  format: "iife",
  globalName: "parts",
  stdin: {
    contents: 'export { decode } from "./decode"; export { looksDrawn } from "./kind";',
    resolveDir: new URL("../src", import.meta.url).pathname,
  },
});
const browser = await launch();
const judge = await browser.newPage();
await judge.addScriptTag({ content: bundled.outputFiles[0].text });

/** Says for each variant whether a picture looks drawn. */
async function look(bytes) {
  return judge.evaluate(
    async ({ base64, most }) => {
      const { decode, looksDrawn } = parts;
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const picture = await decode(new Blob([bytes]));
      const { width, height, rgba } = picture;
      const whole = await createImageBitmap(new ImageData(rgba, width, height));
      const scaleBy = (scale) => {
        const canvas = new OffscreenCanvas(Math.ceil(width * scale), Math.ceil(height * scale));
        const context = canvas.getContext("2d");
        context.imageSmoothingQuality = "high";
        context.drawImage(whole, 0, 0, canvas.width, canvas.height);
        return context;
      };
      const read = (context) => {
        const { width, height } = context.canvas;
        return { width, height, rgba: context.getImageData(0, 0, width, height).data };
      };
      const jpeg = await scaleBy(1).canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
      const enlarged = scaleBy(Math.max(1, Math.sqrt((most * 1e6) / (width * height))));
      return [picture, await decode(jpeg), read(scaleBy(0.5)), read(enlarged)].map(looksDrawn);
    },
    { base64: Buffer.from(bytes).toString("base64"), most: MEGAPIXELS },
  );
}

async function* readPictures(path) {
  if (/\.(jpe?g|png|webp|gif)$/i.test(path)) yield await readFile(path);
  if (!path.endsWith(".html")) return;
  for (const screen of SCREENS) {
    const page = await browser.newPage(screen);
    await page.goto(`file://${path}`);
    yield await page.screenshot();
    await page.close();
  }
}

for (const folder of argv.slice(2)) {
  const answers = [];
  for (const name of await readdir(folder, { recursive: true })) {
    for await (const bytes of readPictures(join(folder, name))) {
      const answer = await look(bytes).catch((error) => console.error(`${name}: ${error.message.split("\n")[0]}`));
      if (answer) answers.push(answer);
    }
  }
  const shares = VARIANTS.map((variant, i) => {
    return `${variant} ${((100 * answers.filter((answer) => answer[i]).length) / answers.length).toFixed(1)} %`;
  });
  console.log(`${folder}: ${answers.length} pictures; drawn: ${shares.join(", ")}`);
}
await browser.close();

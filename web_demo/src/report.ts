import type { Finding } from "./finding";
import { percent } from "./region-table";
import { encodeCanvas } from "./view";

/** In pixels: enough to see where attention lies, and 100 pictures stay a file of some megabytes. */
const LONGEST_SIDE = 640;

// No script and no request: a report may be sent to others, and file names are not to be trusted.
const HEAD = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Where will people look?</title>
<style>
body { margin: auto; padding: 1rem; max-width: 70rem; font: 1rem/1.5 system-ui, sans-serif }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(18rem, 100%), 1fr)); gap: 1rem }
figure { margin: 0; overflow-wrap: anywhere }
img { max-width: 100%; height: auto }
table { border-collapse: collapse; overflow-wrap: anywhere }
th, td { padding: 0.2rem 1rem 0.2rem 0; text-align: start; vertical-align: top }
</style>
`;

/**
 * Writes a page that needs no other file: the overlays, and the table.
 *
 * @param note says what a map is
 */
export async function writeReport(findings: Finding[], note: string): Promise<Blob> {
  const figures: string[] = [];
  for (const finding of findings) {
    if ("problem" in finding) continue;
    const { path, place, half } = finding;
    const source = await shrink(finding.overlay);
    const text = `${path}: most attention lies at the ${place}`;
    const caption = `${escape(path)}<br>Half of the attention lies on ${percent(half)} of it.`;
    figures.push(`<figure><img src="${source}" alt="${escape(text)}"><figcaption>${caption}</figcaption></figure>\n`);
  }
  const table = [
    "<table>\n<tr><th>File<th>Pixels<th>Most attention<th>Half of it on\n",
    ...findings.map(toRow),
    "</table>",
  ];
  const date = new Date().toISOString().slice(0, 10);
  const intro = `<h1>Where will people look?</h1>\n<p>${date}. ${escape(note)}</p>\n`;
  return new Blob([HEAD, intro, "<main>\n", ...figures, "</main>\n<h2>Table</h2>\n", ...table, "\n</html>\n"], {
    type: "text/html",
  });
}

function toRow(finding: Finding): string {
  const path = escape(finding.path);
  if ("problem" in finding) return `<tr><td>${path}<td colspan="3">${escape(finding.problem)}\n`;
  const { width, height, place, half } = finding;
  return `<tr><td>${path}<td>${width} × ${height}<td>${place}<td>${percent(half)}\n`;
}

const escape = (text: string) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** Makes a small JPEG of a picture, as an address that has the whole picture in it. */
async function shrink(picture: Blob): Promise<string> {
  const bitmap = await createImageBitmap(picture);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return readAddress(await encodeCanvas(canvas, "image/jpeg"));
}

function readAddress(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

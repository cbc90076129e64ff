import { Engine } from "./engine";
import { toLevels } from "./levels";
import type { Prediction } from "./messages";
import { findParts } from "./parts";
import { type PaletteName, readPalettes } from "./palettes";
import { InputError } from "./picture";
import { writeGreyPng } from "./png";
import { describe, draw, encode, paint, type Settings, type View } from "./view";

/** What is shown when: the picture that was chosen last, as the controls say. */
const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const canvas = find<HTMLCanvasElement>("canvas");
const controls = find<HTMLFormElement>("controls");
const strength = find<HTMLInputElement>("strength");
const status = find("status");
const buttons = [find<HTMLButtonElement>("save-shown"), find<HTMLButtonElement>("save-map")];

const parts = await findParts();
const engine = new Engine(parts.worker, parts.sources);
const palettes = await readPalettes();
let newest = 0;
let shown: { name: string; prediction: Prediction } | undefined;

function say(text: string, wrong = false) {
  status.textContent = text;
  status.classList.toggle("wrong", wrong);
}

async function show(file: Blob, name: string) {
  const turn = ++newest;
  say(`Looking at ${name} …`);
  try {
    const prediction = await engine.predict(file);
    // A picture that was chosen later is on its way.
    if (turn !== newest) return;
    shown = { name, prediction };
    redraw();
    const { picture, milliseconds } = prediction;
    say(
      `${name}: ${picture.width} × ${picture.height} pixels, ${Math.round(milliseconds)} ms; ${describe(prediction)}.`,
    );
  } catch (error) {
    if (turn === newest) say(`${name}: ${describeError(error)}`, true);
  }
}

function describeError(error: unknown): string {
  return error instanceof InputError ? error.message : String(error);
}

function readSettings(): Settings {
  const view = new FormData(controls).get("view") as View;
  return {
    view,
    strength: strength.valueAsNumber / 100,
    palette: find<HTMLSelectElement>("palette").value as PaletteName,
  };
}

function redraw() {
  find("percent").textContent = `${strength.value} %`;
  if (!shown) return;
  const { name, prediction } = shown;
  const settings = readSettings();
  paint(canvas, draw(prediction.preview, settings, palettes));
  canvas.setAttribute("aria-label", `${name}, ${settings.view}: ${describe(prediction)}`);
  for (const button of buttons) button.disabled = false;
}

function save(blob: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser begins to read it only after this.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function saveShown() {
  if (!shown) return;
  const settings = readSettings();
  save(await encode(draw(shown.prediction, settings, palettes)), `${stem(shown.name)}_${settings.view}.png`);
}

async function saveMap() {
  if (!shown) return;
  const { map } = shown.prediction;
  save(await writeGreyPng(toLevels(map), map.width, map.height), `${stem(shown.name)}_saliency.png`);
}

/** The name of a file without its ending. */
const stem = (name: string) => name.replace(/\.[^.]+$/, "");

function showFirst(files: FileList | undefined) {
  const file = files?.[0];
  if (file) show(file, file.name);
  return Boolean(file);
}

async function showExample() {
  show(await parts.readExample(), "grace_hopper.jpg");
}

const attempt = (action: () => Promise<void>) => () => action().catch((error) => say(describeError(error), true));

find<HTMLInputElement>("file").addEventListener("change", (event) => {
  const input = event.target as HTMLInputElement;
  showFirst(input.files ?? undefined);
  // The same file may be chosen again.
  input.value = "";
});
find("example").addEventListener("click", attempt(showExample));
controls.addEventListener("input", redraw);
controls.addEventListener("submit", (event) => event.preventDefault());
buttons[0].addEventListener("click", attempt(saveShown));
buttons[1].addEventListener("click", attempt(saveMap));
document.addEventListener("paste", (event) => showFirst(event.clipboardData?.files));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (!showFirst(event.dataTransfer?.files)) say("What was dropped is not a file.", true);
});
attempt(showExample)();

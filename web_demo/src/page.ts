import { Engine } from "./engine";
import { receivePictures } from "./intake";
import { keepForOffline } from "./keeping";
import { toLevels } from "./levels";
import type { Prediction } from "./messages";
import { type PaletteName, readPalettes } from "./palettes";
import { findParts } from "./parts";
import { InputError } from "./picture";
import { writeGreyPng } from "./png";
import { RegionBoxes } from "./region-boxes";
import { fillTable } from "./region-table";
import { findHalf, measure, toCsv, toJson } from "./regions";
import { save, stem } from "./saving";
import { describe, draw, encode, paint, type Settings, type View } from "./view";

/** What is shown when: the picture that was chosen last, as the controls say. */
const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const canvas = find<HTMLCanvasElement>("canvas");
const controls = find<HTMLFormElement>("controls");
const strength = find<HTMLInputElement>("strength");
const uncovered = find<HTMLInputElement>("uncovered");
const palette = find<HTMLSelectElement>("palette");
const status = find("status");
const boxes = new RegionBoxes(find("boxes"), showShares);

interface Shown {
  name: string;
  prediction: Prediction;
}

await keepForOffline();
const parts = await findParts();
const engine = new Engine(parts.worker, parts.sources);
const palettes = await readPalettes();
let newest = 0;
let shown: Shown | undefined;

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
    const { picture, milliseconds, preview } = prediction;
    boxes.setSize(picture.width, picture.height);
    redraw();
    const size = `${picture.width} × ${picture.height} pixels, ${Math.round(milliseconds)} ms`;
    say(`${name}: ${size}; ${describe(prediction)}.`);
    find("half").textContent =
      `Half of the attention lies on ${(100 * findHalf(preview.map)).toFixed(1)} % of the picture.`;
  } catch (error) {
    if (turn === newest) say(`${name}: ${describeError(error)}`, true);
  }
}

function describeError(error: unknown): string {
  return error instanceof InputError ? error.message : String(error);
}

function readSettings(): Settings {
  return {
    view: new FormData(controls).get("view") as View,
    strength: strength.valueAsNumber / 100,
    uncovered: uncovered.valueAsNumber / 100,
    palette: palette.value as PaletteName,
  };
}

function redraw() {
  find("percent").textContent = `${strength.value} %`;
  const settings = readSettings();
  strength.disabled = settings.view === "heat" || settings.view === "contours";
  palette.disabled = settings.view === "spotlight";
  if (!shown) return;
  const { name, prediction } = shown;
  paint(canvas, draw(prediction.preview, settings, palettes));
  canvas.setAttribute("aria-label", `${name}, ${settings.view}: ${describe(prediction)}`);
  find<HTMLFieldSetElement>("results").disabled = false;
}

function showShares() {
  const shares = shown ? measure(shown.prediction.map, boxes.regions) : [];
  fillTable(find("shares"), shares, boxes);
  find("areas").hidden = shares.length === 0;
}

async function saveShown({ name, prediction }: Shown) {
  const settings = readSettings();
  save(await encode(draw(prediction, settings, palettes)), `${stem(name)}_${settings.view}.png`);
}

async function saveMap({ name, prediction: { map } }: Shown) {
  save(await writeGreyPng(toLevels(map), map.width, map.height), `${stem(name)}_saliency.png`);
}

async function saveShares({ name, prediction }: Shown, format: typeof toCsv, ending: string) {
  save(format(measure(prediction.map, boxes.regions)), `${stem(name)}_areas.${ending}`);
}

async function showExample() {
  show(await parts.readExample(), "grace_hopper.jpg");
}

function onClick(id: string, action: (shown: Shown) => Promise<void>) {
  find(id).addEventListener("click", () => {
    if (shown) action(shown).catch((error) => say(describeError(error), true));
  });
}

receivePictures(find<HTMLInputElement>("file"), (file) => show(file, file.name));
find("example").addEventListener("click", showExample);
controls.addEventListener("input", redraw);
controls.addEventListener("submit", (event) => event.preventDefault());
onClick("save-shown", saveShown);
onClick("save-map", saveMap);
onClick("save-csv", (shown) => saveShares(shown, toCsv, "csv"));
onClick("save-json", (shown) => saveShares(shown, toJson, "json"));
find("add-area").addEventListener("click", (event) => {
  // Pressed by a key, the button has no clicks to count.
  if (event.detail > 0) boxes.startDrawing();
  else boxes.addInTheMiddle();
});
showExample();

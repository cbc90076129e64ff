import { AreaPanel } from "./area-panel";
import { toJson } from "./attention-table";
import { ViewControls } from "./controls";
import { CropPanel } from "./crop-panel";
import { find } from "./elements";
import { receiveChosen } from "./intake";
import { looksDrawn } from "./kind";
import { toLevels } from "./levels";
import type { Prediction } from "./messages";
import { describeError } from "./picture";
import { writeGreyPng } from "./png";
import { percent } from "./region-table";
import { type Corner, findCentre, findHalf } from "./regions";
import { save, stem } from "./saving";
import type { Desk, Tab } from "./tabs";
import { describe, draw, encode, paint } from "./view";

const canvas = find<HTMLCanvasElement>("canvas");
const withMarks = find<HTMLInputElement>("with-marks");
const centreShown = find<HTMLInputElement>("centre-shown");

interface Shown {
  name: string;
  prediction: Prediction;
  /** The centre of attention. */
  centre: Corner;
}

/** One picture: the one that was chosen last, shown as the controls say. */
export class SingleTab implements Tab {
  private readonly areas: AreaPanel;
  private readonly crops: CropPanel;
  private readonly controls = new ViewControls(find<HTMLFormElement>("controls"), () => this.redraw());
  private newest = 0;
  private shown?: Shown;

  constructor(private readonly desk: Desk) {
    this.areas = new AreaPanel(desk.say);
    this.crops = new CropPanel(desk.say);
    receiveChosen(find<HTMLInputElement>("file"), (files) => this.take(files));
    find("example").addEventListener("click", () => this.showExample());
    this.onClick("save-shown", (shown) => this.saveShown(shown));
    this.onClick("save-map", (shown) => this.saveMap(shown));
    this.onClick("save-json", (shown) => this.saveNumbers(shown));
    this.showExample();
  }

  take(files: File[]) {
    const [file] = files;
    if (files.length > 1) this.desk.say(`One picture at a time: these are ${files.length} files.`, true);
    else if (/\.json$/i.test(file.name)) this.areas.open(file);
    else this.show(file, file.name);
  }

  private async showExample() {
    this.show(await this.desk.readExample(), "grace_hopper.jpg");
  }

  private async show(file: Blob, name: string) {
    const { engine, say } = this.desk;
    const turn = ++this.newest;
    say(`Looking at ${name} …`);
    try {
      const prediction = await engine.predict(file);
      // A picture that was chosen later is on its way.
      if (turn !== this.newest) return;
      const { picture, map, milliseconds, preview } = prediction;
      this.shown = { name, prediction, centre: findCentre(map) };
      this.areas.show(name, map);
      this.crops.show(file, name, map);
      this.redraw();
      const size = `${picture.width} × ${picture.height} pixels, ${Math.round(milliseconds)} ms`;
      say(`${name}: ${size}; ${describe(prediction.preview)}.`);
      find("kind").textContent = looksDrawn(picture)
        ? "This looks like a screenshot or a drawing; the model learned from photographs."
        : "";
      find("half").textContent = `Half of the attention lies on ${percent(findHalf(preview.map))} of the picture.`;
    } catch (error) {
      if (turn === this.newest) say(`${name}: ${describeError(error)}`, true);
    }
  }

  private redraw() {
    if (!this.shown) return;
    const settings = this.controls.read();
    const { name, prediction } = this.shown;
    paint(canvas, draw(prediction.preview, settings, this.desk.palettes));
    canvas.setAttribute("aria-label", `${name}, ${settings.view}: ${describe(prediction.preview)}`);
    find<HTMLFieldSetElement>("results").disabled = false;
    this.showCentre(this.shown);
  }

  private showCentre({ prediction: { map }, centre: [x, y] }: Shown) {
    const mark = find("centre");
    mark.hidden = !centreShown.checked;
    mark.style.left = `${(100 * x) / map.width}%`;
    mark.style.top = `${(100 * y) / map.height}%`;
    find("centre-place").textContent = `${Math.round(x)} pixels from the left, ${Math.round(y)} from the top`;
  }

  private async saveShown({ name, prediction, centre }: Shown) {
    const settings = this.controls.read();
    const drawn = draw(prediction, settings, this.desk.palettes);
    const marks = {
      shares: this.areas.shares,
      crop: this.crops.crop,
      centre: centreShown.checked ? centre : undefined,
    };
    save(await encode(drawn, withMarks.checked ? marks : undefined), `${stem(name)}_${settings.view}.png`);
  }

  private async saveMap({ name, prediction: { map } }: Shown) {
    save(await writeGreyPng(toLevels(map), map.width, map.height), `${stem(name)}_saliency.png`);
  }

  private async saveNumbers({ name, prediction: { map } }: Shown) {
    save(toJson(name, map, this.areas.shares, this.crops.crop), `${stem(name)}_attention.json`);
  }

  private onClick(id: string, action: (shown: Shown) => Promise<void>) {
    find(id).addEventListener("click", () => {
      if (this.shown) action(this.shown).catch((error) => this.desk.say(describeError(error), true));
    });
  }
}

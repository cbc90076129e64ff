import { ViewControls } from "./controls";
import { find } from "./elements";
import { receiveChosen } from "./intake";
import { toLevels } from "./levels";
import type { Prediction } from "./messages";
import { describeError } from "./picture";
import { writeGreyPng } from "./png";
import { RegionBoxes } from "./region-boxes";
import { fillTable, percent } from "./region-table";
import { findHalf, measure, toCsv, toJson } from "./regions";
import { save, stem } from "./saving";
import type { Desk, Tab } from "./tabs";
import { describe, draw, encode, paint } from "./view";

const canvas = find<HTMLCanvasElement>("canvas");

interface Shown {
  name: string;
  prediction: Prediction;
}

/** One picture: the one that was chosen last, shown as the controls say. */
export class SingleTab implements Tab {
  private readonly boxes = new RegionBoxes(find("boxes"), () => this.showShares());
  private readonly controls = new ViewControls(find<HTMLFormElement>("controls"), () => this.redraw());
  private newest = 0;
  private shown?: Shown;

  constructor(private readonly desk: Desk) {
    receiveChosen(find<HTMLInputElement>("file"), (files) => this.take(files));
    find("example").addEventListener("click", () => this.showExample());
    this.onClick("save-shown", (shown) => this.saveShown(shown));
    this.onClick("save-map", (shown) => this.saveMap(shown));
    this.onClick("save-csv", (shown) => this.saveShares(shown, toCsv, "csv"));
    this.onClick("save-json", (shown) => this.saveShares(shown, toJson, "json"));
    find("add-area").addEventListener("click", (event) => {
      // Pressed by a key, the button has no clicks to count.
      if (event.detail > 0) this.boxes.startDrawing();
      else this.boxes.addInTheMiddle();
    });
    this.showExample();
  }

  take([file]: File[]) {
    this.show(file, file.name);
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
      this.shown = { name, prediction };
      const { picture, milliseconds, preview } = prediction;
      this.boxes.setSize(picture.width, picture.height);
      this.redraw();
      const size = `${picture.width} × ${picture.height} pixels, ${Math.round(milliseconds)} ms`;
      say(`${name}: ${size}; ${describe(prediction)}.`);
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
    canvas.setAttribute("aria-label", `${name}, ${settings.view}: ${describe(prediction)}`);
    find<HTMLFieldSetElement>("results").disabled = false;
  }

  private showShares() {
    const shares = this.shown ? measure(this.shown.prediction.map, this.boxes.regions) : [];
    const numbers = shares.map(({ attention, area }) => [percent(attention), `${(attention / area).toFixed(2)} ×`]);
    fillTable(find("shares"), numbers, this.boxes);
    find("areas").hidden = shares.length === 0;
  }

  private async saveShown({ name, prediction }: Shown) {
    const settings = this.controls.read();
    const drawn = draw(prediction, settings, this.desk.palettes);
    save(await encode(drawn), `${stem(name)}_${settings.view}.png`);
  }

  private async saveMap({ name, prediction: { map } }: Shown) {
    save(await writeGreyPng(toLevels(map), map.width, map.height), `${stem(name)}_saliency.png`);
  }

  private async saveShares({ name, prediction }: Shown, format: typeof toCsv, ending: string) {
    save(format(measure(prediction.map, this.boxes.regions)), `${stem(name)}_areas.${ending}`);
  }

  private onClick(id: string, action: (shown: Shown) => Promise<void>) {
    find(id).addEventListener("click", () => {
      if (this.shown) action(this.shown).catch((error) => this.desk.say(describeError(error), true));
    });
  }
}

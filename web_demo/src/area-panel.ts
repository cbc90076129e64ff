import { toCsv } from "./attention-table";
import { find } from "./elements";
import { receiveChosen } from "./intake";
import { describeError, InputError, type SaliencyMap } from "./picture";
import { RegionBoxes } from "./region-boxes";
import { readRegions, writeRegions } from "./region-file";
import { fillTable, percent } from "./region-table";
import { measure, type Share } from "./regions";
import { save, stem } from "./saving";
import type { Desk } from "./tabs";

/** The areas of interest over one picture: drawn or opened, measured and downloaded. */
export class AreaPanel {
  /** In the order of the table. */
  shares: Share[] = [];
  private readonly boxes = new RegionBoxes(find("boxes"), () => this.measure());
  private shown?: { name: string; map: SaliencyMap };

  constructor(private readonly say: Desk["say"]) {
    find("add-area").addEventListener("click", (event) => {
      // Pressed by a key, the button has no clicks to count.
      if (event.detail > 0) this.boxes.startDrawing();
      else this.boxes.addInTheMiddle();
    });
    find("add-polygon").addEventListener("click", () => this.boxes.startPolygon(find("how-to-draw")));
    receiveChosen(find<HTMLInputElement>("open-areas"), ([file]) => this.open(file));
    this.onClick("save-csv", (name) => save(toCsv(name, this.shares), `${stem(name)}_attention.csv`));
    this.onClick("save-areas", (name) => save(writeRegions(this.boxes.regions), `${stem(name)}_regions.json`));
  }

  /** Takes a new picture; the areas stay if it has the size of the one before. */
  show(name: string, map: SaliencyMap) {
    this.shown = { name, map };
    this.boxes.setSize(map.width, map.height);
  }

  /** Takes the areas of a file instead of those that are there. */
  async open(file: File) {
    try {
      const text = await file.text();
      if (!this.shown) throw new InputError("areas are opened over a picture, and there is none yet");
      const { name, map } = this.shown;
      this.boxes.replace(readRegions(text, name, map.width, map.height));
      const count = this.shares.length;
      this.say(`${file.name}: ${count} ${count === 1 ? "area" : "areas"} over ${name}.`);
    } catch (error) {
      this.say(`${file.name}: ${describeError(error)}`, true);
    }
  }

  private measure() {
    this.shares = this.shown ? measure(this.shown.map, this.boxes.regions) : [];
    const numbers = this.shares.map(({ attention, area }) => [
      percent(attention),
      `${(attention / area).toFixed(2)} ×`,
    ]);
    fillTable(find("shares"), numbers, this.boxes);
    find("areas").hidden = this.shares.length === 0;
  }

  private onClick(id: string, action: (name: string) => void) {
    find(id).addEventListener("click", () => {
      try {
        if (this.shown) action(this.shown.name);
      } catch (error) {
        this.say(describeError(error), true);
      }
    });
  }
}

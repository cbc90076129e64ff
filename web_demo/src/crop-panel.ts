import { cutOut } from "./crop-file";
import { bestCrop, readAspect, type Window } from "./crops";
import { find } from "./elements";
import { describeError, type SaliencyMap } from "./picture";
import { percent } from "./region-table";
import { measure } from "./regions";
import { save, stem } from "./saving";
import type { Desk } from "./tabs";

const shape = find<HTMLSelectElement>("crop-shape");
const aspect = find<HTMLInputElement>("crop-aspect");
const line = find("crop-line");
const frame = find("crop-frame");
const button = find<HTMLButtonElement>("save-crop");

export interface Crop extends Window {
  /** The share of the attention that it keeps, in [0, 1]. */
  attention: number;
}

/** The crop of the shape that is chosen: over the picture, in words, and downloaded. */
export class CropPanel {
  crop?: Crop;
  private shown?: { file: Blob; name: string; map: SaliencyMap };

  constructor(private readonly say: Desk["say"]) {
    for (const control of [shape, aspect]) control.addEventListener("input", () => this.update());
    button.addEventListener("click", () => this.save());
  }

  show(file: Blob, name: string, map: SaliencyMap) {
    this.shown = { file, name, map };
    this.update();
  }

  private update() {
    const isOther = shape.value === "other";
    const wanted = isOther ? aspect.value : shape.value;
    find("crop-other").hidden = !isOther;
    line.textContent = "";
    this.crop = undefined;
    let problem = "";
    try {
      if (this.shown && wanted) this.place(this.shown.map, readAspect(wanted));
    } catch (error) {
      problem = describeError(error);
      line.textContent = problem;
    }
    line.classList.toggle("wrong", problem !== "");
    frame.hidden = !this.crop;
    button.disabled = !this.crop;
  }

  private place(map: SaliencyMap, aspect: number) {
    const window = bestCrop(map, aspect);
    const { x, y, width, height } = window;
    const [{ attention }] = measure(map, [{ name: "", ...window }]);
    this.crop = { ...window, attention };
    line.textContent = `${width} × ${height} pixels, ${x} from the left and ${y} from the top, keep ${percent(attention)} of the attention.`;
    frame.style.left = `${(100 * x) / map.width}%`;
    frame.style.top = `${(100 * y) / map.height}%`;
    frame.style.width = `${(100 * width) / map.width}%`;
    frame.style.height = `${(100 * height) / map.height}%`;
  }

  private async save() {
    if (!this.shown || !this.crop) return;
    const [{ file, name }, { width, height }] = [this.shown, this.crop];
    try {
      const { blob, ending, isOwnType } = await cutOut(file, this.crop);
      const saved = `${stem(name)}_crop.${ending}`;
      save(blob, saved);
      const why = isOwnType ? "" : `; a PNG, as this browser does not write the type of ${name}`;
      this.say(`${saved}: ${width} × ${height} pixels${why}.`);
    } catch (error) {
      this.say(`${name}: ${describeError(error)}`, true);
    }
  }
}

import { measureIn, type SharePair, toCsv, toJson, UNITS } from "./comparison";
import { ViewControls } from "./controls";
import { drawDifference, drawLegend, findMoved, findScale, subtract } from "./difference";
import { find } from "./elements";
import { receiveChosen } from "./intake";
import { describeError, type SaliencyMap } from "./picture";
import type { Scene } from "./preview";
import { RegionBoxes } from "./region-boxes";
import { fillTable, percent } from "./region-table";
import { save, stem } from "./saving";
import { encodeSheet } from "./sheet";
import type { Desk, Tab } from "./tabs";
import { describe, draw, encodeCanvas, paint, toCanvas } from "./view";

const LETTERS = ["A", "B"] as const;
const PLACES = LETTERS.map((letter) => {
  const id = letter.toLowerCase();
  return {
    letter,
    file: find<HTMLInputElement>(`file-${id}`),
    figure: find(`side-${id}`),
    name: find(`name-${id}`),
    canvas: find<HTMLCanvasElement>(`canvas-${id}`),
    boxes: find(`boxes-${id}`),
  };
});

interface Shown {
  name: string;
  map: SaliencyMap;
  preview: Scene;
}

/** What is on one side, and what the status line says of it. */
class Side {
  shown?: Shown;
  line = "";
  wrong = false;
  newest = 0;

  get isFree() {
    return !this.shown && (this.line === "" || this.wrong);
  }
}

/** Two pictures side by side, with the same areas, and the difference of their maps. */
export class CompareTab implements Tab {
  private sides = [new Side(), new Side()];
  /** Of both pictures, whatever their sizes: the regions are in `UNITS`. */
  private readonly boxes = PLACES.map(({ boxes }, place) => new RegionBoxes(boxes, () => this.copyRegions(place)));
  private readonly controls = new ViewControls(find<HTMLFormElement>("compare-controls"), () => this.redraw());
  private isCopying = false;
  private isExample = false;
  private difference?: SaliencyMap;

  constructor(private readonly desk: Desk) {
    PLACES.forEach(({ file }, place) => receiveChosen(file, ([file]) => this.put([[place, file]])));
    for (const boxes of this.boxes) boxes.setSize(UNITS, UNITS);
    paint(find<HTMLCanvasElement>("legend"), drawLegend());
    find("swap").addEventListener("click", () => {
      this.sides.reverse();
      this.refresh();
    });
    find("compare-example").addEventListener("click", () => this.showExample());
    find("add-common-area").addEventListener("click", (event) => {
      // Pressed by a key, the button has no clicks to count.
      if (event.detail > 0) {
        for (const boxes of this.boxes) boxes.startDrawing();
        PLACES[0].figure.scrollIntoView({ block: "nearest" });
      } else this.boxes[0].addInTheMiddle();
    });
    find("add-common-polygon").addEventListener("click", () => {
      this.boxes[0].startPolygon(find("how-to-draw-common"));
      PLACES[0].figure.scrollIntoView({ block: "nearest" });
    });
    this.onClick("save-comparison", ([a, b]) => this.saveSheet(a, b));
    this.onClick("save-pairs-csv", async ([a, b]) => save(toCsv(this.measure()), nameFile(a, b, "csv")));
    this.onClick("save-pairs-json", async ([a, b], difference) => {
      save(toJson([a, b], findMoved(difference), this.measure()), nameFile(a, b, "json"));
    });
    this.showExample();
  }

  take(files: File[], at: Element) {
    if (files.length > 2) {
      this.desk.say(`Two pictures are compared, and these are ${files.length}: choose two of them.`, true);
    } else if (files.length === 2) {
      this.put([
        [0, files[0]],
        [1, files[1]],
      ]);
    } else {
      const place = PLACES.findIndex(({ figure }) => figure.contains(at));
      this.put([[place < 0 ? this.findFree() : place, files[0]]]);
    }
  }

  /** The first side without a picture of the user's, or B. */
  private findFree() {
    return this.isExample || this.sides[0].isFree ? 0 : 1;
  }

  private put(files: [place: number, file: File][]) {
    // The example does not stay beside a picture of the user's.
    if (this.isExample) this.sides = [new Side(), new Side()];
    this.isExample = false;
    for (const [place, file] of files) this.load(this.sides[place], file, file.name);
  }

  /** The example and its mirror image: attention goes with what is looked at. */
  private async showExample() {
    this.sides = [new Side(), new Side()];
    this.isExample = true;
    const [a, b] = this.sides;
    const file = await this.desk.readExample();
    this.load(a, file, "grace_hopper.jpg");
    this.load(b, await mirror(file), "grace_hopper_mirrored.png");
  }

  private async load(side: Side, file: Blob, name: string) {
    const turn = ++side.newest;
    Object.assign(side, { line: `looking at ${name} …`, wrong: false });
    this.report();
    try {
      const { map, preview } = await this.desk.engine.predict(file);
      // A picture that was chosen later is on its way.
      if (turn !== side.newest) return;
      // The full picture is not kept: two large ones are many megabytes.
      side.shown = { name, map, preview };
      side.line = `${name}, ${map.width} × ${map.height} pixels`;
    } catch (error) {
      if (turn !== side.newest) return;
      Object.assign(side, { line: `${name}: ${describeError(error)}`, wrong: true });
    }
    this.refresh();
  }

  private report() {
    const lines = this.sides.flatMap(({ line }, place) => (line ? `${LETTERS[place]}: ${line}` : []));
    this.desk.say(
      lines.join("; "),
      this.sides.some(({ wrong }) => wrong),
    );
  }

  private refresh() {
    const [a, b] = this.sides.map(({ shown }) => shown);
    this.difference = a && b && subtract(a.preview.map, b.preview.map);
    this.report();
    this.redraw();
    this.showShares();
    find<HTMLFieldSetElement>("compare-results").disabled = !this.difference;
    find("difference").hidden = !this.difference;
    if (a && b && this.difference) this.showDifference(a, b, this.difference);
  }

  private redraw() {
    const settings = this.controls.read();
    this.sides.forEach(({ shown }, place) => {
      const { letter, canvas, name } = PLACES[place];
      name.textContent = shown ? `${letter}: ${shown.name}` : `${letter}: no picture yet`;
      canvas.ariaLabel = shown
        ? `${letter}, ${settings.view}: ${describe(shown.preview)}`
        : `${letter}: no picture yet`;
      if (shown) paint(canvas, draw(shown.preview, settings, this.desk.palettes));
      else canvas.getContext("2d")!.clearRect(0, 0, canvas.width, canvas.height);
    });
  }

  private showDifference(a: Shown, b: Shown, difference: SaliencyMap) {
    const canvas = find<HTMLCanvasElement>("difference-map");
    paint(canvas, drawDifference(a.preview.picture, difference));
    const moved = `${percent(findMoved(difference))} of the attention lies elsewhere in B than in A.`;
    find("moved").textContent = moved;
    canvas.ariaLabel = `Difference: ${moved}`;
    const scale = `The strongest colour is a difference of ${findScale(difference).toFixed(1)} times the mean attention.`;
    find("scale").textContent = [scale, describeSizes(a.map, b.map)].join(" ").trim();
  }

  /** Gives both pictures the areas of the one where they were changed. */
  private copyRegions(place: number) {
    if (this.isCopying) return;
    this.isCopying = true;
    this.boxes[1 - place].replace(this.boxes[place].regions.slice());
    this.isCopying = false;
    this.showShares();
  }

  private measure(): SharePair[] {
    const { regions } = this.boxes[0];
    const [a, b] = this.sides.map(({ shown }) => (shown ? measureIn(shown.map, regions) : []));
    return regions.map((region, i) => ({ region, shares: [a[i].attention, b[i].attention] }));
  }

  private showShares() {
    const pairs = this.difference ? this.measure() : [];
    const numbers = pairs.map(({ shares: [a, b] }) => [percent(a), percent(b), describeChange(b - a)]);
    fillTable(find("share-pairs"), numbers, this.boxes[0]);
    find("common-areas").hidden = pairs.length === 0;
  }

  private async saveSheet(a: Shown, b: Shown) {
    const settings = this.controls.read();
    const pictures = [a, b].map(({ preview }, place) => {
      const shares = measureIn(preview.map, this.boxes[0].regions);
      const canvas = toCanvas(draw(preview, settings, this.desk.palettes), { shares });
      return { title: PLACES[place].name.textContent!, canvas };
    });
    const difference = find<HTMLCanvasElement>("difference-map");
    const columns = [
      ...pictures,
      { title: "Difference", canvas: difference, legend: find<HTMLCanvasElement>("legend") },
    ];
    const lines = this.measure().map(
      ({ region, shares: [a, b] }) =>
        `${region.name}: ${percent(a)} in A, ${percent(b)} in B, ${describeChange(b - a)}`,
    );
    const notes = ["moved", "scale", "compare-note"].map((id) => find(id).innerText);
    save(await encodeSheet(columns, [...notes, ...lines]), nameFile(a, b, "png"));
  }

  private onClick(id: string, action: (shown: [Shown, Shown], difference: SaliencyMap) => Promise<void>) {
    find(id).addEventListener("click", () => {
      const [a, b] = this.sides.map(({ shown }) => shown);
      if (!a || !b || !this.difference) return;
      action([a, b], this.difference).catch((error) => this.desk.say(describeError(error), true));
    });
  }
}

const nameFile = (a: Shown, b: Shown, ending: string) => `${stem(a.name)}_${stem(b.name)}_comparison.${ending}`;

/** In points of a hundred. */
const describeChange = (difference: number) => `${difference < 0 ? "−" : "+"}${Math.abs(100 * difference).toFixed(1)}`;

/** Says what was done to B's map, if it has another size than A's. */
function describeSizes(a: SaliencyMap, b: SaliencyMap): string {
  if (a.width === b.width && a.height === b.height) return "";
  const stretch = (a.width * b.height) / (a.height * b.width);
  if (Math.abs(Math.log(stretch)) < 0.01) return "B’s map was resized to A’s size.";
  return "The pictures have different shapes: B’s map was stretched to A’s.";
}

async function mirror(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  const context = canvas.getContext("2d")!;
  context.scale(-1, 1);
  context.drawImage(bitmap, -bitmap.width, 0);
  return encodeCanvas(canvas);
}

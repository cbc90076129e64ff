import { readArrow } from "./arrows";
import { Outline } from "./outline";
import { drawPolygon } from "./polygon-drawing";
import { boundsOf, fit, move, type Region } from "./regions";

/** What a drag or a key does to a region: moves it or, of a box, its lower right corner. */
type Change = "move" | "resize";

/** The boxes and polygons over the picture, which are drawn, moved and resized by pointer or keyboard. */
export class RegionBoxes {
  regions: Region[] = [];
  private width = 1;
  private height = 1;
  private drawn = 0;
  /** Ends the polygon that is being drawn. */
  private drawing = new AbortController();

  /**
   * @param stage lies over the picture, as large as it is shown
   * @param changed is called after every change of `regions`
   */
  constructor(
    private readonly stage: HTMLElement,
    private readonly changed: () => void,
  ) {
    stage.addEventListener("pointerdown", (event) => {
      if (event.target === stage) this.drawNew(event);
    });
  }

  /** Takes the size of a new picture; the regions of a picture of another size are removed. */
  setSize(width: number, height: number) {
    if (width !== this.width || height !== this.height) this.regions = [];
    [this.width, this.height] = [width, height];
    this.stopDrawing();
    this.show();
  }

  /** Takes other regions, which fit into the picture. */
  replace(regions: Region[]) {
    this.stopDrawing();
    this.regions = regions;
    this.show();
  }

  /** Waits for a box to be drawn. */
  startDrawing() {
    this.stopDrawing();
    this.stage.classList.add("drawing");
  }

  /** Waits for a polygon to be drawn; `caption` says how. */
  async startPolygon(caption: HTMLElement) {
    this.stopDrawing();
    const polygon = await drawPolygon(this.stage, caption, this.width, this.height, this.drawing.signal);
    if (polygon) this.addFocused({ name: this.nextName(), polygon });
  }

  /** Adds a box in the middle, to be moved by the keyboard. */
  addInTheMiddle() {
    const [width, height] = [this.width / 3, this.height / 3];
    this.addFocused(fit({ name: this.nextName(), x: width, y: height, width, height }, this.width, this.height));
  }

  remove(index: number) {
    this.regions.splice(index, 1);
    this.show();
  }

  rename(index: number, name: string) {
    this.regions[index].name = name;
    this.label(index);
    this.changed();
  }

  private stopDrawing() {
    this.stage.classList.remove("drawing");
    this.drawing.abort();
    this.drawing = new AbortController();
  }

  private nextName() {
    let name: string;
    // A file may have brought such names.
    do name = `Area ${++this.drawn}`;
    while (this.regions.some((region) => region.name === name));
    return name;
  }

  private addFocused(region: Region) {
    this.regions.push(region);
    this.show();
    (this.stage.lastElementChild as HTMLElement).focus();
  }

  private drawNew(event: PointerEvent) {
    if (!this.stage.classList.contains("drawing")) return;
    this.stopDrawing();
    const { left, top } = this.stage.getBoundingClientRect();
    const [x, y] = this.toPixels(event.clientX - left, event.clientY - top);
    const point = { name: this.nextName(), x, y, width: 0, height: 0 };
    this.regions.push(fit(point, this.width, this.height));
    this.show();
    this.drag(event, this.regions.length - 1, point, "resize");
  }

  private show() {
    this.stage.replaceChildren(...this.regions.map((region, index) => this.makeElement(region, index)));
    this.regions.forEach((_, index) => this.place(index));
    this.changed();
  }

  private makeElement(region: Region, index: number): HTMLElement {
    const element = document.createElement("div");
    element.className = "polygon" in region ? "region polygon" : "region box";
    element.tabIndex = 0;
    element.role = "group";
    const label = document.createElement("span");
    if ("polygon" in region) {
      const { x, y, width, height } = boundsOf(region);
      // Moved, it keeps its form.
      element.append(new Outline("polygon", x, y, width, height).setCorners(region.polygon).element, label);
    } else element.append(label, document.createElement("i"));
    element.addEventListener("pointerdown", (event) => {
      const isHandle = event.target instanceof HTMLElement && event.target.localName === "i";
      this.drag(event, index, this.regions[index], isHandle ? "resize" : "move");
    });
    element.addEventListener("keydown", (event) => {
      if (event.key === "Delete") this.remove(index);
      const arrow = readArrow(event, this.width, this.height);
      if (!arrow) return;
      event.preventDefault();
      this.change(index, this.regions[index], event.shiftKey ? "resize" : "move", ...arrow);
    });
    return element;
  }

  private drag(start: PointerEvent, index: number, before: Region, kind: Change) {
    start.preventDefault();
    const move = (event: PointerEvent) => {
      this.change(index, before, kind, ...this.toPixels(event.clientX - start.clientX, event.clientY - start.clientY));
    };
    const stop = new AbortController();
    addEventListener("pointermove", move, { signal: stop.signal });
    for (const end of ["pointerup", "pointercancel"])
      addEventListener(end, () => stop.abort(), { signal: stop.signal });
  }

  private change(index: number, before: Region, kind: Change, x: number, y: number) {
    const { name } = this.regions[index];
    if (kind === "move") this.regions[index] = { ...move(before, x, y, this.width, this.height), name };
    else if ("polygon" in before) return;
    else {
      const { width, height } = before;
      this.regions[index] = fit({ ...before, name, width: width + x, height: height + y }, this.width, this.height);
    }
    this.place(index);
    this.changed();
  }

  private place(index: number) {
    const { x, y, width, height } = boundsOf(this.regions[index]);
    const { style } = this.stage.children[index] as HTMLElement;
    style.left = `${(100 * x) / this.width}%`;
    style.top = `${(100 * y) / this.height}%`;
    style.width = `${(100 * width) / this.width}%`;
    style.height = `${(100 * height) / this.height}%`;
    this.label(index);
  }

  private label(index: number) {
    const element = this.stage.children[index] as HTMLElement;
    const region = this.regions[index];
    element.querySelector("span")!.textContent = region.name;
    const resizing = "polygon" in region ? "" : " with Shift they resize it,";
    element.ariaLabel = `${region.name}: arrow keys move it,${resizing} Delete removes it`;
  }

  /** From pixels of the screen to those of the picture. */
  private toPixels(x: number, y: number): [number, number] {
    const { width, height } = this.stage.getBoundingClientRect();
    return [(x * this.width) / width, (y * this.height) / height];
  }
}

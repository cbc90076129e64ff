import { fit, type Region } from "./regions";

/** What a drag or a key does to a box: moves it, or its lower right corner. */
type Change = "move" | "resize";
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The boxes over the picture, which are drawn, moved and resized by pointer or keyboard. */
export class RegionBoxes {
  regions: Region[] = [];
  private width = 1;
  private height = 1;
  private drawn = 0;

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

  /** Takes the size of a new picture; the boxes of a picture of another size are removed. */
  setSize(width: number, height: number) {
    if (width !== this.width || height !== this.height) this.regions = [];
    [this.width, this.height] = [width, height];
    this.show();
  }

  /** Takes other regions, which fit into the picture. */
  replace(regions: Region[]) {
    this.stage.classList.remove("drawing");
    this.regions = regions;
    this.show();
  }

  /** Waits for a box to be drawn. */
  startDrawing() {
    this.stage.classList.add("drawing");
  }

  /** Adds a box in the middle, to be moved by the keyboard. */
  addInTheMiddle() {
    const [width, height] = [this.width / 3, this.height / 3];
    this.add({ name: this.nextName(), left: width, top: height, width, height });
    (this.stage.lastElementChild as HTMLElement).focus();
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

  private nextName() {
    let name: string;
    // The other picture may have brought such names.
    do name = `Area ${++this.drawn}`;
    while (this.regions.some((region) => region.name === name));
    return name;
  }

  private add(region: Region) {
    this.regions.push(fit(region, this.width, this.height));
    this.show();
  }

  private drawNew(event: PointerEvent) {
    if (!this.stage.classList.contains("drawing")) return;
    this.stage.classList.remove("drawing");
    const { left, top } = this.stage.getBoundingClientRect();
    const [x, y] = this.toPixels(event.clientX - left, event.clientY - top);
    const point = { name: this.nextName(), left: x, top: y, width: 0, height: 0 };
    this.add(point);
    this.drag(event, this.regions.length - 1, point, "resize");
  }

  private show() {
    this.stage.replaceChildren(...this.regions.map((_, index) => this.makeBox(index)));
    this.regions.forEach((_, index) => this.place(index));
    this.changed();
  }

  private makeBox(index: number): HTMLElement {
    const box = document.createElement("div");
    box.className = "box";
    box.tabIndex = 0;
    box.role = "group";
    box.append(document.createElement("span"), document.createElement("i"));
    box.addEventListener("pointerdown", (event) => {
      const isCorner = event.target === box.lastElementChild;
      this.drag(event, index, this.regions[index], isCorner ? "resize" : "move");
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Delete") this.remove(index);
      const arrow = ARROWS[event.key];
      if (!arrow) return;
      event.preventDefault();
      // A hundredth of the picture, or a pixel with the control key.
      const step = event.ctrlKey ? 1 : Math.max(1, Math.round(Math.max(this.width, this.height) / 100));
      this.change(index, this.regions[index], event.shiftKey ? "resize" : "move", arrow[0] * step, arrow[1] * step);
    });
    return box;
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
    const { left, top, width, height } = before;
    const within = (place: number, length: number, size: number) => Math.min(Math.max(place, 0), size - length);
    const changed =
      kind === "resize"
        ? { ...before, width: width + x, height: height + y }
        : { ...before, left: within(left + x, width, this.width), top: within(top + y, height, this.height) };
    this.regions[index] = fit({ ...changed, name: this.regions[index].name }, this.width, this.height);
    this.place(index);
    this.changed();
  }

  private place(index: number) {
    const { left, top, width, height } = this.regions[index];
    const box = this.stage.children[index] as HTMLElement;
    box.style.left = `${(100 * left) / this.width}%`;
    box.style.top = `${(100 * top) / this.height}%`;
    box.style.width = `${(100 * width) / this.width}%`;
    box.style.height = `${(100 * height) / this.height}%`;
    this.label(index);
  }

  private label(index: number) {
    const box = this.stage.children[index] as HTMLElement;
    const { name } = this.regions[index];
    box.firstElementChild!.textContent = name;
    box.ariaLabel = `${name}: arrow keys move it, with Shift they resize it, Delete removes it`;
  }

  /** From pixels of the screen to those of the picture. */
  private toPixels(x: number, y: number): [number, number] {
    const { width, height } = this.stage.getBoundingClientRect();
    return [(x * this.width) / width, (y * this.height) / height];
  }
}

import { drawOverlay, STRENGTH } from "./drawing";
import { find } from "./elements";
import { type Finding, type Found, listFiles, nameResults, toCsv } from "./finding";
import { pathOf } from "./folders";
import { receiveChosen } from "./intake";
import type { PaletteName } from "./palettes";
import { describeError } from "./picture";
import { percent } from "./region-table";
import { writeReport } from "./report";
import { save } from "./saving";
import type { Desk, Tab } from "./tabs";
import { encodeCanvas, findPlace, toCanvas } from "./view";
import { writeZip } from "./zip";

const gallery = find("gallery");
const table = find<HTMLTableSectionElement>("findings");
const stop = find<HTMLButtonElement>("stop");
const results = find<HTMLFieldSetElement>("several-results");

/** Several pictures: one after the other is looked at; of each, only what is shown and saved is kept. */
export class GalleryTab implements Tab {
  private readonly palette = find<HTMLTemplateElement>("view-controls")
    .content.querySelector("select")!
    .cloneNode(true) as HTMLSelectElement;
  private findings: Finding[] = [];
  private queue: File[] = [];
  private taken = new Set<string>();
  /** Files of folders that are no pictures. */
  private others: string[] = [];
  /** Is another one after everything was removed. */
  private batch = 0;
  private isRunning = false;
  private isStopped = false;

  constructor(private readonly desk: Desk) {
    find("several-palette").append(this.palette);
    for (const id of ["files", "folder"]) receiveChosen(find<HTMLInputElement>(id), (files) => this.take(files));
    find("several-controls").addEventListener("submit", (event) => event.preventDefault());
    stop.addEventListener("click", () => {
      this.isStopped = !this.isStopped;
      this.run();
    });
    find("remove-all").addEventListener("click", () => this.removeAll());
    this.onClick("save-zip", async () => save(await writeZip(listFiles(this.listAll())), "saliency.zip"));
    this.onClick("save-report", async () =>
      save(await writeReport(this.listAll(), find("what-it-is").innerText), "saliency.html"),
    );
    this.onClick("save-table", async () => save(toCsv(this.listAll()), "saliency.csv"));
    this.report();
  }

  take(files: File[]) {
    for (const file of files) {
      const path = pathOf(file);
      // In a folder there may be anything; what was chosen by itself was meant.
      if (path.includes("/") && (file.name.startsWith(".") || !/^(image\/|$)/.test(file.type))) this.others.push(path);
      else this.queue.push(file);
    }
    this.isStopped = false;
    this.run();
  }

  private async run() {
    this.report();
    if (this.isRunning) return;
    this.isRunning = true;
    while (this.queue.length > 0 && !this.isStopped) {
      const { batch } = this;
      const finding = await this.look(this.queue[0]);
      if (batch !== this.batch) continue;
      this.queue.shift();
      this.findings.push(finding);
      this.show(finding);
      this.report();
    }
    this.isRunning = false;
    this.report();
  }

  private async look(file: File): Promise<Finding> {
    const path = pathOf(file);
    // What was removed meanwhile takes no name from what comes after.
    const { taken } = this;
    try {
      const { width, height, preview, grey, half } = await this.desk.engine.digest(file);
      const palette = this.desk.palettes[this.palette.value as PaletteName];
      const drawn = drawOverlay(preview.picture, preview.map, palette, STRENGTH);
      const overlay = await encodeCanvas(toCanvas(drawn), "image/jpeg");
      const name = nameResults(path, taken);
      return { path, name, width, height, place: findPlace(preview.map), half, grey, overlay };
    } catch (error) {
      return { path, problem: describeError(error) };
    }
  }

  private show(finding: Finding) {
    const row = table.insertRow();
    row.insertCell().textContent = finding.path;
    if ("problem" in finding) {
      const cell = row.insertCell();
      cell.colSpan = 3;
      cell.className = "wrong";
      cell.textContent = finding.problem;
    } else {
      const { width, height, place, half } = finding;
      for (const text of [`${width} × ${height}`, place, percent(half)]) row.insertCell().textContent = text;
      gallery.append(makeFigure(finding));
    }
  }

  private removeAll() {
    for (const image of gallery.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    gallery.replaceChildren();
    table.replaceChildren();
    this.taken = new Set();
    [this.findings, this.queue, this.others] = [[], [], []];
    this.batch++;
    this.report();
  }

  /** What was found, and the pictures that were not looked at. */
  private listAll(): Finding[] {
    return [...this.findings, ...this.queue.map((file) => ({ path: pathOf(file), problem: "not looked at" }))];
  }

  private report() {
    const [done, total] = [this.findings.length, this.findings.length + this.queue.length];
    const isWaiting = this.queue.length > 0;
    find("looking").hidden = !isWaiting;
    Object.assign(find<HTMLProgressElement>("progress"), { value: done, max: total });
    find("done").textContent = `${done} of ${total}`;
    stop.textContent = this.isStopped ? "Go on" : "Stop";
    results.disabled = done === 0 || (isWaiting && !this.isStopped);
    find("found").hidden = done === 0;
    const problems = this.findings.filter((finding) => "problem" in finding).length;
    this.desk.say(
      [
        !total && "No pictures yet.",
        isWaiting && (this.isStopped ? `Stopped: ${done} of ${total} are done.` : `Looking at ${total} pictures …`),
        total && !isWaiting && `${done - problems} of ${total} pictures were looked at.`,
        problems && `${problems} could not be used: see the table.`,
        this.others.length && `Left out, since they are no pictures: ${this.others.join(", ")}.`,
      ]
        .filter(Boolean)
        .join(" "),
      problems > 0,
    );
  }

  private onClick(id: string, action: () => Promise<void>) {
    find(id).addEventListener("click", () => {
      action().catch((error) => this.desk.say(describeError(error), true));
    });
  }
}

function makeFigure({ path, place, half, overlay }: Found): HTMLElement {
  const figure = document.createElement("figure");
  const image = document.createElement("img");
  image.alt = `${path}: most attention lies at the ${place}`;
  // What is not on the screen need not be decoded.
  image.loading = "lazy";
  image.src = URL.createObjectURL(overlay);
  const caption = document.createElement("figcaption");
  caption.textContent = `${path}: half of the attention on ${percent(half)}`;
  figure.append(image, caption);
  return figure;
}

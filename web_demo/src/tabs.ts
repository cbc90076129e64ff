import type { Engine } from "./engine";
import type { readPalettes } from "./palettes";

/** What every tab is given. */
export interface Desk {
  engine: Engine;
  palettes: Awaited<ReturnType<typeof readPalettes>>;
  readExample: () => Promise<Blob>;
  /** Writes the status line, which each tab has for itself. */
  say: (text: string, wrong?: boolean) => void;
}

export interface Tab {
  /**
   * Takes pictures that were dropped or pasted while the tab is open.
   *
   * @param at what they were dropped on, or what had the focus when they were pasted
   */
  take(files: File[], at: Element): void;
  /** Is called when another tab is opened. */
  leave?(): void;
}

interface Place {
  make: (desk: Desk) => Tab;
  button: HTMLButtonElement;
  panel: HTMLElement;
  tab?: Tab;
  line: { text: string; wrong: boolean };
}

/** The tabs, of which one is open; each begins its work when it is opened first. The page's address names the tab. */
export class Tabs {
  private readonly places: Place[] = [];
  private opened?: Place;

  /** @param list gets a button for each tab */
  constructor(
    private readonly list: HTMLElement,
    private readonly status: HTMLElement,
    private readonly desk: Omit<Desk, "say">,
  ) {
    list.addEventListener("keydown", ({ key }) => {
      const last = this.places.length - 1;
      const now = this.places.findIndex(({ button }) => button === document.activeElement);
      const keys = { ArrowLeft: now > 0 ? now - 1 : last, ArrowRight: now < last ? now + 1 : 0, Home: 0, End: last };
      if (!(key in keys)) return;
      const { button } = this.places[keys[key as keyof typeof keys]];
      button.focus();
      button.click();
    });
  }

  /** @param panel the tab's part of the page, whose label is the tab's name */
  add(panel: HTMLElement, make: Place["make"]) {
    const button = document.createElement("button");
    const place: Place = { make, button, panel, line: { text: "", wrong: false } };
    button.type = "button";
    button.role = "tab";
    button.textContent = panel.ariaLabel;
    button.setAttribute("aria-controls", panel.id);
    button.addEventListener("click", () => this.open(place));
    this.list.append(button);
    this.places.push(place);
  }

  /** Opens the tab that the page's address names, or else the first. */
  openFirst() {
    this.open(this.places.find(({ panel }) => location.hash === `#${panel.id}`) ?? this.places[0]);
  }

  take(files: File[], at: Element) {
    this.opened?.tab?.take(files, at);
  }

  /** Writes what is wrong into the status line of the open tab. */
  warn(text: string) {
    if (this.opened) this.say(this.opened, { text, wrong: true });
  }

  private open(place: Place) {
    if (place === this.opened) return;
    if (this.opened) history.replaceState(null, "", `#${place.panel.id}`);
    this.opened?.tab?.leave?.();
    this.opened = place;
    for (const { button, panel } of this.places) {
      const isOpen = panel === place.panel;
      panel.hidden = !isOpen;
      button.ariaSelected = String(isOpen);
      button.tabIndex = isOpen ? 0 : -1;
    }
    this.showLine();
    place.tab ??= place.make({ ...this.desk, say: (text, wrong = false) => this.say(place, { text, wrong }) });
  }

  private say(place: Place, line: Place["line"]) {
    place.line = line;
    if (place === this.opened) this.showLine();
  }

  private showLine() {
    const { text, wrong } = this.opened!.line;
    // A screen reader would read the same line again.
    if (this.status.textContent !== text) this.status.textContent = text;
    this.status.classList.toggle("wrong", wrong);
  }
}

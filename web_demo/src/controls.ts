import { find } from "./elements";
import type { PaletteName } from "./palettes";
import type { Settings, View } from "./view";

/** The controls of how a map is shown, which every tab with one picture has: the page's template, put into a form. */
export class ViewControls {
  /** @param changed is called after every change */
  constructor(
    private readonly form: HTMLFormElement,
    changed: () => void,
  ) {
    form.prepend(find<HTMLTemplateElement>("view-controls").content.cloneNode(true));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      this.refresh();
      changed();
    });
    this.refresh();
  }

  read(): Settings {
    return {
      view: this.find<RadioNodeList>("view").value as View,
      strength: this.find<HTMLInputElement>("strength").valueAsNumber / 100,
      uncovered: this.find<HTMLInputElement>("uncovered").valueAsNumber / 100,
      palette: this.find<HTMLSelectElement>("palette").value as PaletteName,
    };
  }

  private refresh() {
    const { view } = this.read();
    const strength = this.find<HTMLInputElement>("strength");
    this.find<HTMLOutputElement>("percent").value = `${strength.value} %`;
    strength.disabled = view === "heat" || view === "contours";
    this.find<HTMLSelectElement>("palette").disabled = view === "spotlight";
  }

  private find<T>(name: string) {
    return this.form.elements.namedItem(name) as T;
  }
}

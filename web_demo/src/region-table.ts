import type { RegionBoxes } from "./region-boxes";
import type { Share } from "./regions";

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Shows a row for each box: its name, which can be changed, its share, and a button that removes it. */
export function fillTable(body: HTMLTableSectionElement, shares: Share[], boxes: RegionBoxes) {
  // A row whose name is being typed is kept.
  while (body.rows.length > shares.length) body.deleteRow(-1);
  while (body.rows.length < shares.length) body.append(makeRow(body.rows.length, boxes));
  shares.forEach(({ region, attention, area }, index) => {
    const [name, share, ratio, remove] = [...body.rows[index].cells];
    const input = name.firstElementChild as HTMLInputElement;
    if (input !== document.activeElement) input.value = region.name;
    share.textContent = percent(attention);
    ratio.textContent = `${(attention / area).toFixed(2)} ×`;
    remove.firstElementChild!.ariaLabel = `Remove ${region.name}`;
  });
}

function makeRow(index: number, boxes: RegionBoxes): HTMLTableRowElement {
  const row = document.createElement("tr");
  const input = document.createElement("input");
  input.ariaLabel = "Name of the area";
  input.addEventListener("input", () => boxes.rename(index, input.value));
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "×";
  button.addEventListener("click", () => boxes.remove(index));
  for (const content of [input, "", "", button]) row.insertCell().append(content);
  return row;
}

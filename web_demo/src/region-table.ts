import type { RegionBoxes } from "./region-boxes";

export const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/**
 * Shows a row for each box: its name, which can be changed, its numbers, and a button that removes it.
 *
 * @param numbers of each box, as the columns of the table
 */
export function fillTable(body: HTMLTableSectionElement, numbers: string[][], boxes: RegionBoxes) {
  // A row whose name is being typed is kept.
  while (body.rows.length > numbers.length) body.deleteRow(-1);
  while (body.rows.length < numbers.length) body.append(makeRow(body.rows.length, numbers[0].length, boxes));
  numbers.forEach((texts, index) => {
    const { name } = boxes.regions[index];
    const [first, ...cells] = [...body.rows[index].cells];
    const input = first.firstElementChild as HTMLInputElement;
    if (input !== document.activeElement) input.value = name;
    texts.forEach((text, column) => (cells[column].textContent = text));
    cells[texts.length].firstElementChild!.ariaLabel = `Remove ${name}`;
  });
}

function makeRow(index: number, columns: number, boxes: RegionBoxes): HTMLTableRowElement {
  const row = document.createElement("tr");
  const input = document.createElement("input");
  input.ariaLabel = "Name of the area";
  input.addEventListener("input", () => boxes.rename(index, input.value));
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "×";
  button.addEventListener("click", () => boxes.remove(index));
  for (const content of [input, ...Array<string>(columns).fill(""), button]) row.insertCell().append(content);
  return row;
}

import { writeCsv } from "./csv";
import type { Entry } from "./zip";

/** What was found in one of several pictures, or why nothing was. */
export type Finding = Found | { path: string; problem: string };

export interface Found {
  path: string;
  /** What its files in the ZIP are called, without `_saliency.png` and `_overlay.jpg`. */
  name: string;
  width: number;
  height: number;
  /** Where most attention lies, in words. */
  place: string;
  /** The share of the picture with half of the attention, in [0, 1]. */
  half: number;
  /** PNG as `predict` writes it, and JPEG in the screen's size. */
  grey: Blob;
  overlay: Blob;
}

/**
 * Names the results of a picture as `predict` does, by its path without the ending; with a number, where there are
 * such already.
 *
 * @param taken is what no two pictures have in common, since on some computers it would be the same; it grows
 */
export function nameResults(path: string, taken: Set<string>): string {
  const base = path.replace(/\.[^./]+$/, "");
  const toKey = (name: string) => name.normalize("NFC").toLowerCase();
  let name = base;
  for (let number = 2; taken.has(toKey(name)); number++) name = `${base}_${number}`;
  taken.add(toKey(name));
  return name;
}

const COLUMNS = ["photograph", "width", "height", "most_attention", "area_of_half_the_attention", "results", "problem"];

export function toCsv(findings: Finding[]): string {
  const rows = findings.map((finding) =>
    "problem" in finding
      ? [finding.path, "", "", "", "", "", finding.problem]
      : [finding.path, finding.width, finding.height, finding.place, finding.half, finding.name, ""],
  );
  return writeCsv(COLUMNS, rows);
}

/** The files of the ZIP: maps and overlays, and the table. */
export function listFiles(findings: Finding[]): Entry[] {
  const files = findings.flatMap((finding) => {
    if ("problem" in finding) return [];
    const { name, grey, overlay } = finding;
    return [
      { name: `${name}_saliency.png`, content: grey },
      { name: `${name}_overlay.jpg`, content: overlay },
    ];
  });
  return [...files, { name: "table.csv", content: new Blob([toCsv(findings)]) }];
}

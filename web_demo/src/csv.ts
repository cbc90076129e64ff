export type Cell = string | number;

/** Writes a table as CSV: text in quotes, the numbers with all their digits. */
export function writeCsv(columns: string[], rows: Cell[][]): string {
  const quote = (cell: Cell) => (typeof cell === "number" ? cell : `"${cell.replaceAll('"', '""')}"`);
  return [columns, ...rows.map((row) => row.map(quote))].map((row) => `${row.join(",")}\r\n`).join("");
}

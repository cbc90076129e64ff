/** Hands a file to the browser's downloads. */
export function save(content: Blob | string, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  // The browser begins to read it only after this.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The name of a file without its ending. */
export const stem = (name: string) => name.replace(/\.[^.]+$/, "");

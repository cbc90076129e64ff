import { InputError } from "./picture";

/** Where files that were dropped with their folder lie in it. */
const paths = new WeakMap<File, string>();

/** The path of a file from the folder that was chosen or dropped, or its name. */
export const pathOf = (file: File) => paths.get(file) ?? (file.webkitRelativePath || file.name);

/** The files that were dropped, and those in dropped folders and their subfolders, by their paths. */
export async function collectFiles(data: DataTransfer): Promise<File[]> {
  // After this turn of the event, the browser has forgotten what was dropped.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry());
  const files = [...data.files];
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  const found = await Promise.all(entries.map((entry) => (entry ? collect(entry) : [])));
  if (found.flat().length === 0) throw new InputError("the folder is empty");
  return found.flat();
}

async function collect(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    paths.set(file, entry.fullPath.replace(/^\//, ""));
    return [file];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const read = () => new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
  const inside: FileSystemEntry[] = [];
  // A browser lists only so many at once, and none at the end.
  for (let some = await read(); some.length > 0; some = await read()) inside.push(...some);
  inside.sort((a, b) => (a.name < b.name ? -1 : 1));
  return (await Promise.all(inside.map(collect))).flat();
}

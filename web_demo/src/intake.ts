import { collectFiles } from "./folders";
import { describeError } from "./picture";

/**
 * Receives the files that are dropped or pasted anywhere.
 *
 * @param take is called with them, and with where that was
 * @param warn is called with what cannot be taken
 */
export function receivePictures(take: (files: File[], at: Element) => void, warn: (text: string) => void) {
  const receive = async (data: DataTransfer | null, target: EventTarget | null) => {
    try {
      const files = data ? await collectFiles(data) : [];
      if (files.length > 0) take(files, target instanceof Element ? target : document.body);
    } catch (error) {
      warn(`What was dropped cannot be used: ${describeError(error)}`);
    }
  };
  document.addEventListener("paste", (event) => receive(event.clipboardData, event.target));
  const { classList } = document.body;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    classList.add("dropping");
  });
  document.addEventListener("dragleave", () => classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    classList.remove("dropping");
    receive(event.dataTransfer, event.target);
  });
}

/** Calls back with the files that are chosen. */
export function receiveChosen(input: HTMLInputElement, take: (files: File[]) => void) {
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    // The same file may be chosen again.
    input.value = "";
    if (files.length > 0) take(files);
  });
}

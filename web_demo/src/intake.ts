/** Calls back with the pictures that are dropped or pasted anywhere, and with where that was. */
export function receivePictures(take: (files: File[], at: Element) => void) {
  const takeSome = (files: FileList | undefined, at: EventTarget | null) => {
    if (files?.length) take([...files], at instanceof Element ? at : document.body);
  };
  document.addEventListener("paste", (event) => takeSome(event.clipboardData?.files, event.target));
  const { classList } = document.body;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    classList.add("dropping");
  });
  document.addEventListener("dragleave", () => classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    classList.remove("dropping");
    takeSome(event.dataTransfer?.files, event.target);
  });
}

/** Calls back with the pictures that are chosen. */
export function receiveChosen(input: HTMLInputElement, take: (files: File[]) => void) {
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    // The same file may be chosen again.
    input.value = "";
    if (files.length > 0) take(files);
  });
}

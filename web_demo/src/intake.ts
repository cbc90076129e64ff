/** Calls back with every picture that is chosen, dropped or pasted. */
export function receivePictures(input: HTMLInputElement, take: (file: File) => void) {
  const takeFirst = (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (file) take(file);
  };
  input.addEventListener("change", () => {
    takeFirst(input.files);
    // The same file may be chosen again.
    input.value = "";
  });
  document.addEventListener("paste", (event) => takeFirst(event.clipboardData?.files));
  const { classList } = document.body;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    classList.add("dropping");
  });
  document.addEventListener("dragleave", () => classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    classList.remove("dropping");
    takeFirst(event.dataTransfer?.files);
  });
}

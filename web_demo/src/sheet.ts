import { encodeCanvas } from "./view";

/** A picture of the sheet; the colours of its legend are named as in the page. */
interface Column {
  title: string;
  canvas: HTMLCanvasElement;
  legend?: HTMLCanvasElement;
}

/** In pixels: the most that a picture takes, and what lies between and under the pictures. */
const [WIDTH, HEIGHT, GAP, LINE, LEGEND] = [640, 800, 24, 32, 16];

/** Draws pictures side by side on one sheet, with lines of text under them, and encodes it as PNG. */
export function encodeSheet(columns: Column[], lines: string[]): Promise<Blob> {
  const fitted = columns.map(({ canvas: { width, height } }) => {
    const scale = Math.min(WIDTH / width, HEIGHT / height);
    return [Math.max(1, width * scale), Math.max(1, height * scale)];
  });
  const top = GAP + LINE;
  const bottom = top + Math.max(...fitted.map(([, height]) => height)) + LEGEND + 2 * LINE;
  const sheet = document.createElement("canvas");
  sheet.width = columns.length * (WIDTH + GAP) + GAP;
  sheet.height = bottom + lines.length * LINE + GAP;
  const context = sheet.getContext("2d")!;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, sheet.width, sheet.height);
  Object.assign(context, { fillStyle: "#000", font: "20px system-ui, sans-serif", textBaseline: "middle" });
  columns.forEach(({ title, canvas, legend }, column) => {
    const [width, height] = fitted[column];
    const left = GAP + column * (WIDTH + GAP);
    context.fillText(title, left, GAP + LINE / 3, WIDTH);
    context.drawImage(canvas, left, top, width, height);
    if (!legend) return;
    const under = top + height + LEGEND / 2;
    context.drawImage(legend, left, under, width, LEGEND);
    (["left", "center", "right"] as const).forEach((textAlign, place) => {
      context.textAlign = textAlign;
      const text = ["more in A", "equal", "more in B"][place];
      context.fillText(text, left + (place * width) / 2, under + LEGEND + LINE / 2, width / 3);
    });
    context.textAlign = "left";
  });
  lines.forEach((line, row) => context.fillText(line, GAP, bottom + row * LINE + LINE / 2, sheet.width - 2 * GAP));
  return encodeCanvas(sheet);
}

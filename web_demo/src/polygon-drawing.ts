import { readArrow } from "./arrows";
import { Outline } from "./outline";
import { type Corner, hasPixels } from "./regions";

const HOW =
  "Set corners by clicks, or by arrow keys and Space. A click on the first one or Enter closes, Escape cancels.";
const TOO_SMALL = "Not an area yet: it needs three corners, around the middle of a pixel.";
/** In pixels of the screen: what counts as a click on the first corner. */
const NEAR = { mouse: 10, finger: 22 };
/** And what counts as the edge of the picture, which is hard to hit. */
const EDGE = 4;

/**
 * Lets a polygon be drawn over the picture.
 *
 * @param stage lies over the picture, as large as it is shown
 * @param caption says how
 * @param signal ends it
 * @returns its corners in whole pixels, or null if it was cancelled
 */
export function drawPolygon(
  stage: HTMLElement,
  caption: HTMLElement,
  width: number,
  height: number,
  signal: AbortSignal,
): Promise<Corner[] | null> {
  const earlier = document.activeElement;
  const corners: Corner[] = [];
  let cross: Corner = [Math.round(width / 2), Math.round(height / 2)];
  const line = new Outline("polyline", 0, 0, width, height);
  const [first, cursor] = [document.createElement("i"), document.createElement("b")];
  const surface = document.createElement("div");
  surface.className = "surface";
  surface.tabIndex = 0;
  // Its keys are its own: a screen reader must not take them.
  surface.role = "application";
  surface.ariaLabel = `Drawing a polygon. ${HOW}`;
  surface.append(line.element, first, cursor);
  stage.after(surface);
  surface.focus();
  caption.textContent = HOW;

  const put = (mark: HTMLElement, [x, y]: Corner) => {
    mark.style.left = `${(100 * x) / width}%`;
    mark.style.top = `${(100 * y) / height}%`;
  };
  const show = () => {
    first.hidden = corners.length === 0;
    if (corners.length > 0) put(first, corners[0]);
    put(cursor, cross);
    line.setCorners([...corners, cross]);
  };
  const follow = (event: PointerEvent) => {
    const shown = surface.getBoundingClientRect();
    cross = [snap(event.clientX - shown.x, shown.width, width), snap(event.clientY - shown.y, shown.height, height)];
  };
  const isOnFirst = (event: PointerEvent) => {
    const mark = first.getBoundingClientRect();
    const distance = Math.hypot(event.clientX - mark.x - mark.width / 2, event.clientY - mark.y - mark.height / 2);
    return corners.length > 2 && distance <= (event.pointerType === "mouse" ? NEAR.mouse : NEAR.finger);
  };
  const set = () => {
    corners.push(cross);
    caption.textContent = `${corners.length} ${corners.length === 1 ? "corner" : "corners"}. ${HOW}`;
  };
  show();

  return new Promise((resolve) => {
    const stop = new AbortController();
    const end = (polygon: Corner[] | null) => {
      stop.abort();
      surface.remove();
      caption.textContent = "";
      resolve(polygon);
    };
    const close = () => {
      if (corners.length > 2 && hasPixels({ name: "", polygon: corners }, width, height)) end(corners);
      else caption.textContent = TOO_SMALL;
    };
    const cancel = () => {
      end(null);
      (earlier as HTMLElement | null)?.focus();
    };
    signal.addEventListener("abort", () => end(null), { signal: stop.signal });
    surface.addEventListener("pointermove", (event) => {
      follow(event);
      show();
    });
    surface.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      surface.focus();
      if (isOnFirst(event)) return close();
      follow(event);
      set();
      show();
    });
    surface.addEventListener("keydown", (event) => {
      const arrow = readArrow(event, width, height);
      const keys: Record<string, () => void> = { Enter: close, Escape: cancel, " ": set };
      if (!arrow && !keys[event.key]) return;
      event.preventDefault();
      if (arrow) {
        const within = (place: number, size: number) => Math.min(Math.max(place, 0), size);
        cross = [within(cross[0] + arrow[0], width), within(cross[1] + arrow[1], height)];
      } else keys[event.key]();
      show();
    });
  });
}

/** From a place on the screen to one in the picture, along a side. */
function snap(place: number, shown: number, size: number): number {
  if (place < EDGE) return 0;
  return place > shown - EDGE ? size : Math.round((place * size) / shown);
}

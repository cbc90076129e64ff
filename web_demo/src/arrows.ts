const DIRECTIONS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The pixels, across and down, by which an arrow key moves something in a picture; null for other keys. */
export function readArrow(event: KeyboardEvent, width: number, height: number): [number, number] | null {
  const direction = DIRECTIONS[event.key];
  if (!direction) return null;
  // A hundredth of the picture, or a pixel with the control key.
  const step = event.ctrlKey ? 1 : Math.max(1, Math.round(Math.max(width, height) / 100));
  return [direction[0] * step, direction[1] * step];
}

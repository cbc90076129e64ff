import type { Corner } from "./regions";

const SVG = "http://www.w3.org/2000/svg";

/** A line over a part of the picture, as large as its parent: closed, or open while it is being drawn. */
export class Outline {
  readonly element = document.createElementNS(SVG, "svg");

  constructor(kind: "polygon" | "polyline", x: number, y: number, width: number, height: number) {
    this.element.classList.add("outline");
    this.element.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    this.element.setAttribute("preserveAspectRatio", "none");
    // Black below white, so that it shows on every ground.
    this.element.append(document.createElementNS(SVG, kind), document.createElementNS(SVG, kind));
  }

  setCorners(corners: Corner[]): this {
    for (const line of this.element.children) line.setAttribute("points", corners.join(" "));
    return this;
  }
}

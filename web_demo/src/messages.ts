import type { Sources } from "./model";
import type { Picture } from "./picture";
import type { Scene } from "./preview";

/** What the page tells the worker: first where the model is, then picture after picture. */
export type Request = { sources: Sources } | ({ id: number } & Question);

/** A file or a picture whose prediction is wanted, or a file of which a digest is enough. */
export type Question = { file: Blob } | { picture: Picture } | { digest: Blob };

/** The worker's answer to a picture. */
export type Reply = { id: number } & ({ prediction: Prediction } | { digest: Digest } | { problem: string });

export interface Prediction extends Scene {
  /** The same for the screen. */
  preview: Scene;
  /** Milliseconds from the decoded picture to its map. */
  milliseconds: number;
}

/** What is kept of one of many pictures: neither it nor its map in full size. */
export interface Digest {
  width: number;
  height: number;
  preview: Scene;
  /** The grey PNG that `predict` writes. */
  grey: Blob;
  /** The share of the preview with half of the attention, in [0, 1]. */
  half: number;
}

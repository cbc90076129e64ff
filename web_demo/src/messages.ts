import type { Sources } from "./model";
import type { Picture } from "./picture";
import type { Scene } from "./preview";

/** What the page tells the worker: first where the model is, then picture after picture. */
export type Request = { sources: Sources } | { id: number; file: Blob } | { id: number; picture: Picture };

/** The worker's answer to a picture. */
export type Reply = { id: number; prediction: Prediction } | { id: number; problem: string };

export interface Prediction extends Scene {
  /** The same for the screen. */
  preview: Scene;
  /** Milliseconds from the decoded picture to its map. */
  milliseconds: number;
}

/** An upright picture without transparency: RGBA, row by row, every alpha 255. */
export interface Picture {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** A map of saliency, row by row, in [0, 1]. */
export interface SaliencyMap {
  width: number;
  height: number;
  values: Float32Array<ArrayBuffer>;
}

/** What is wrong with a file or a browser, in one line for the user. */
export class InputError extends Error {}

export const describeError = (error: unknown) => (error instanceof InputError ? error.message : String(error));

import { type CompiledModel, loadAndCompile, loadLiteRt, Tensor, unloadLiteRt } from "@litertjs/core";
import { HEIGHT, WIDTH } from "./size";

/** What the model's levels mean, which LiteRT.js does not tell: the format fixes a sigmoid's scale. */
const SCALE = 1 / 256;
/** Level 0 is what is below half a level: a quarter is its middle, and what `salgan_tf.runtimes.litert` reads. */
const LEVEL_ZERO = 0.25;

/**
 * Where LiteRT and the model are: addresses or, in the single HTML file, contents.
 *
 * More than one thread needs a page that is isolated from other origins.
 */
export type Sources =
  { folder: string; model: string; threads: number } | { script: Blob; machineCode: Blob; model: Blob };

declare global {
  /** What LiteRT's loader takes for the settings of its module. */
  var Module: object | undefined;
}

export class SaliencyModel {
  private constructor(private readonly model: CompiledModel) {}

  /** Opens the model, on one thread where the browser has no more. */
  static async open(sources: Sources): Promise<SaliencyModel> {
    if ("folder" in sources && sources.threads > 1) {
      try {
        return await SaliencyModel.load(sources, sources.threads);
      } catch {
        // A browser without relaxed SIMD has no threads.
        unloadLiteRt();
      }
    }
    return await SaliencyModel.load(sources, 1);
  }

  private static async load(sources: Sources, threads: number): Promise<SaliencyModel> {
    const inFolder = "folder" in sources;
    // A worker imports only what it made an address for itself, and LiteRT knows a script by the ending of its address.
    const runtime = inFolder ? sources.folder : `${URL.createObjectURL(sources.script)}#.js`;
    const locateFile = (name: string) =>
      inFolder ? new URL(name, sources.folder).href : URL.createObjectURL(sources.machineCode);
    globalThis.Module = {
      locateFile,
      // LiteRT's threads start from its script; without this they would start from the worker's.
      mainScriptUrlOrBlob: threads > 1 ? locateFile("litert_wasm_threaded_internal.js") : undefined,
      // LiteRT reports on its delegates there.
      printErr: () => undefined,
    };
    await loadLiteRt(runtime, { threads: threads > 1 });
    const model = inFolder ? sources.model : new Uint8Array(await sources.model.arrayBuffer());
    // On WebGPU, the default, the map of this file was all zeros, without an error.
    const options = { accelerator: "wasm", cpuOptions: { numThreads: threads } } as const;
    return new SaliencyModel(await loadAndCompile(model, options));
  }

  /**
   * @param rgb HEIGHT × WIDTH × 3 bytes
   * @returns HEIGHT × WIDTH values in [0, 1]
   */
  async run(rgb: Uint8Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
    const image = new Tensor(rgb, [1, HEIGHT, WIDTH, 3]);
    const [saliency] = await this.model.run([image]);
    try {
      const levels = await saliency.data();
      const values = new Float32Array(levels.length);
      // Not by `from`: it takes 6 ms, a loop 0.1.
      for (let i = 0; i < values.length; i++) values[i] = Math.max(levels[i], LEVEL_ZERO) * SCALE;
      return values;
    } finally {
      image.delete();
      saliency.delete();
    }
  }
}

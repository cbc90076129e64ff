import { decode } from "./decode";
import type { Reply, Request } from "./messages";
import { SaliencyModel } from "./model";
import { InputError } from "./picture";
import { predict } from "./predict";
import { makePreview } from "./preview";

/** The thread of the model: files in, pictures with their maps out. A classic worker, since LiteRT imports scripts. */
const post = (reply: Reply, transfer: Transferable[] = []) => self.postMessage(reply, { transfer });
let opening: Promise<SaliencyModel>;
// One picture at a time: the model holds only one.
let turn = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<Request>) => {
  if ("sources" in data) {
    opening = SaliencyModel.open(data.sources);
    // Whoever asks for a map is told.
    opening.catch(() => undefined);
  } else {
    turn = turn.then(() => answer(data));
  }
};

async function answer({ id, ...image }: Exclude<Request, { sources: unknown }>) {
  try {
    const picture = "file" in image ? await decode(image.file) : image.picture;
    const model = await opening.catch((error) => {
      throw new InputError(`the model cannot be opened: ${error.message}`);
    });
    const start = performance.now();
    const map = await predict(model, picture);
    const milliseconds = performance.now() - start;
    const preview = makePreview({ picture, map });
    const arrays = [picture.rgba, map.values, preview.picture.rgba, preview.map.values];
    // A small picture is its own preview.
    const buffers = new Set(arrays.map((array) => array.buffer));
    post({ id, prediction: { picture, map, preview, milliseconds } }, [...buffers]);
  } catch (error) {
    // Anything else is mostly a picture that does not fit in memory.
    post({ id, problem: error instanceof InputError ? error.message : `it cannot be used: ${error}` });
  }
}

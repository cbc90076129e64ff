import { decode } from "./decode";
import { toLevels } from "./levels";
import type { Digest, Question, Reply, Request } from "./messages";
import { SaliencyModel } from "./model";
import { InputError, type SaliencyMap } from "./picture";
import { writeGreyPng } from "./png";
import { predict } from "./predict";
import { makePreview, type Scene } from "./preview";
import { findHalf } from "./regions";

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

async function answer({ id, ...question }: { id: number } & Question) {
  try {
    const picture =
      "picture" in question ? question.picture : await decode("file" in question ? question.file : question.digest);
    const model = await opening.catch((error) => {
      throw new InputError(`the model cannot be opened: ${error.message}`);
    });
    const start = performance.now();
    const map = await predict(model, picture);
    const milliseconds = performance.now() - start;
    const preview = makePreview({ picture, map });
    if ("digest" in question) return post({ id, digest: await makeDigest(map, preview) }, listBuffers(preview));
    const buffers = [...listBuffers(preview), picture.rgba.buffer, map.values.buffer];
    // A small picture is its own preview.
    post({ id, prediction: { picture, map, preview, milliseconds } }, [...new Set(buffers)]);
  } catch (error) {
    // Anything else is mostly a picture that does not fit in memory.
    post({ id, problem: error instanceof InputError ? error.message : `it cannot be used: ${error}` });
  }
}

const listBuffers = ({ picture, map }: Scene) => [picture.rgba.buffer, map.values.buffer];

async function makeDigest(map: SaliencyMap, preview: Scene): Promise<Digest> {
  const { width, height } = map;
  return {
    width,
    height,
    preview,
    grey: await writeGreyPng(toLevels(map), width, height),
    half: findHalf(preview.map),
  };
}

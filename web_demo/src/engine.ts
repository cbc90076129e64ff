import type { Digest, Prediction, Question, Reply, Request } from "./messages";
import type { Sources } from "./model";
import { InputError, type Picture } from "./picture";

/** The model in a thread of its own. */
export class Engine {
  private readonly waiting = new Map<number, PromiseWithResolvers<Prediction | Digest>>();
  private asked = 0;

  constructor(
    private readonly worker: Worker,
    sources: Sources,
  ) {
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      const answer = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if ("problem" in data) answer?.reject(new InputError(data.problem));
      else answer?.resolve("digest" in data ? data.digest : data.prediction);
    };
    worker.onerror = (event) => {
      for (const answer of this.waiting.values()) answer.reject(new InputError(`the worker ended: ${event.message}`));
      this.waiting.clear();
    };
    this.send({ sources });
  }

  /**
   * @param image a file, or a picture, which is handed over and comes back with the map
   * @throws InputError the file is not a picture, or the model does not run in this browser
   */
  predict(image: Blob | Picture): Promise<Prediction> {
    if (image instanceof Blob) return this.ask({ file: image });
    return this.ask({ picture: image }, [image.rgba.buffer]);
  }

  /** @throws InputError as `predict` does */
  digest(file: Blob): Promise<Digest> {
    return this.ask({ digest: file });
  }

  private ask<Answer extends Prediction | Digest>(question: Question, transfer?: Transferable[]): Promise<Answer> {
    const id = ++this.asked;
    const answer = Promise.withResolvers<Prediction | Digest>();
    this.waiting.set(id, answer);
    this.send({ id, ...question }, transfer);
    return answer.promise as Promise<Answer>;
  }

  private send(request: Request, transfer: Transferable[] = []) {
    this.worker.postMessage(request, transfer);
  }
}

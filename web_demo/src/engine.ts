import type { Prediction, Reply, Request } from "./messages";
import type { Sources } from "./model";
import { InputError, type Picture } from "./picture";

/** The model in a thread of its own. */
export class Engine {
  private readonly waiting = new Map<number, PromiseWithResolvers<Prediction>>();
  private asked = 0;

  constructor(
    private readonly worker: Worker,
    sources: Sources,
  ) {
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      const answer = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if ("prediction" in data) answer?.resolve(data.prediction);
      else answer?.reject(new InputError(data.problem));
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
    const id = ++this.asked;
    const answer = Promise.withResolvers<Prediction>();
    this.waiting.set(id, answer);
    if (image instanceof Blob) this.send({ id, file: image });
    else this.send({ id, picture: image }, [image.rgba.buffer]);
    return answer.promise;
  }

  private send(request: Request, transfer: Transferable[] = []) {
    this.worker.postMessage(request, transfer);
  }
}

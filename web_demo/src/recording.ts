const TYPE = "video/webm";

/** Whether this browser can record a canvas as WebM. */
export const canRecord = () =>
  "MediaRecorder" in globalThis &&
  "captureStream" in HTMLCanvasElement.prototype &&
  MediaRecorder.isTypeSupported(TYPE);

/** Records a canvas from now on. */
export class Recording {
  private readonly recorder: MediaRecorder;
  private readonly parts: Blob[] = [];
  private readonly stopped: Promise<unknown>;

  constructor(canvas: HTMLCanvasElement) {
    this.recorder = new MediaRecorder(canvas.captureStream(), { mimeType: TYPE });
    this.recorder.addEventListener("dataavailable", ({ data }) => this.parts.push(data));
    // It stops by itself where the browser cannot go on.
    this.stopped = new Promise((resolve) => this.recorder.addEventListener("stop", resolve));
    this.recorder.start();
  }

  /** Ends the recording. */
  async finish(): Promise<Blob> {
    this.recorder.stop();
    await this.stopped;
    for (const track of this.recorder.stream.getTracks()) track.stop();
    return new Blob(this.parts, { type: TYPE });
  }
}

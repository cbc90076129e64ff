import { InputError } from "./picture";

/** What a camera that cannot be used means; the keys are the browser's names. */
const REFUSALS: Record<string, string> = {
  NotAllowedError: "it was refused: allow it for this page in the browser's settings, then try again",
  NotFoundError: "there is none",
  OverconstrainedError: "there is none",
  NotReadableError: "it cannot be read; another program may be using it",
};

/** A camera or a video file that is playing, without its sound. */
export class Player {
  readonly video = document.createElement("video");
  private arrival = Promise.withResolvers<void>();
  private problem?: InputError;

  private constructor(
    readonly name: string,
    readonly isCamera: boolean,
  ) {
    this.video.muted = true;
    this.video.playsInline = true;
    const announce = () => {
      this.arrival.resolve();
      this.video.requestVideoFrameCallback(announce);
    };
    this.video.requestVideoFrameCallback(announce);
  }

  /**
   * @param device one of `listCameras`; without it the browser chooses, on a phone the one at the back
   * @throws InputError there is no camera, or it was refused
   */
  static async openCamera(device?: string): Promise<Player> {
    const player = new Player("camera", true);
    const which = device ? { deviceId: { exact: device } } : { facingMode: "environment" };
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
    // Browsers lend a camera to safe addresses only, and have no `mediaDevices` elsewhere.
    if (!navigator.mediaDevices) throw new InputError("browsers lend it only to https, localhost and files on a disk");
    const stream = await navigator.mediaDevices.getUserMedia({ video: { ...which, ...size } }).catch((error) => {
      throw new InputError(REFUSALS[error.name] ?? String(error));
    });
    for (const track of stream.getTracks()) {
      track.addEventListener("ended", () => player.end("it was unplugged, or taken away by the browser"));
    }
    player.video.srcObject = stream;
    return player.begin("its pictures cannot be shown");
  }

  /** @throws InputError the file is not a video that this browser can play */
  static async openFile(file: File): Promise<Player> {
    const player = new Player(file.name, false);
    const { video } = player;
    video.src = URL.createObjectURL(file);
    await player.begin("not a video that this browser can play, or a damaged one");
    if (video.videoWidth === 0) {
      player.close();
      throw new InputError("it has no pictures, or in an encoding that this browser cannot read");
    }
    video.addEventListener("error", () => player.end(`it is damaged after ${video.currentTime.toFixed(1)} s`));
    return player;
  }

  /** The camera that is used, as in `listCameras`. */
  get device(): string | undefined {
    return this.tracks[0]?.getSettings().deviceId;
  }

  /**
   * Waits for a frame that came after the last call. There is no queue: of several only the newest can be seen.
   *
   * @throws InputError there will be none
   */
  async next() {
    await this.arrival.promise;
    if (this.problem) throw this.problem;
    this.arrival = Promise.withResolvers();
  }

  close() {
    this.video.pause();
    for (const track of this.tracks) track.stop();
    URL.revokeObjectURL(this.video.src);
    this.video.removeAttribute("src");
    this.video.srcObject = null;
  }

  private async begin(problem: string): Promise<this> {
    try {
      await this.video.play();
      return this;
    } catch {
      this.close();
      throw new InputError(problem);
    }
  }

  private get tracks(): MediaStreamTrack[] {
    return (this.video.srcObject as MediaStream | null)?.getTracks() ?? [];
  }

  private end(problem: string) {
    this.problem = new InputError(problem);
    this.arrival.resolve();
  }
}

/** The cameras there are; browsers tell their names only after one was allowed. */
export async function listCameras(): Promise<MediaDeviceInfo[]> {
  return (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
}

import { ViewControls } from "./controls";
import { find } from "./elements";
import { receiveChosen } from "./intake";
import { drawFrame } from "./layer";
import { toLevels } from "./levels";
import { describeError, type Picture, type SaliencyMap } from "./picture";
import { listCameras, Player } from "./player";
import { writeGreyPng } from "./png";
import { canRecord, Recording } from "./recording";
import { save, stem } from "./saving";
import { HEIGHT, WIDTH } from "./size";
import type { Desk, Tab } from "./tabs";
import { describe, draw, encode } from "./view";

const canvas = find<HTMLCanvasElement>("live-canvas");
const cameras = find<HTMLSelectElement>("live-camera");
const pause = find("live-pause");
const position = find<HTMLInputElement>("live-position");
const speed = find("live-speed");
const record = find<HTMLButtonElement>("live-record");

/** A frame and its map, which has the model's size. */
interface Shown {
  frame: HTMLCanvasElement;
  map: SaliencyMap;
  /** What a file of it is called. */
  name: string;
}

/** Camera and video: the newest frame under its own map, as often as the model can. */
export class LiveTab implements Tab {
  private readonly controls = new ViewControls(find<HTMLFormElement>("live-controls"), () => this.redraw());
  private readonly layer = document.createElement("canvas");
  private readonly small = document.createElement("canvas");
  /** Where the next frame is kept while the model looks at it; then it changes places with the shown one. */
  private spare = document.createElement("canvas");
  private newest = 0;
  private isOpening = false;
  private player?: Player;
  private shown?: Shown;
  private recording?: Recording;
  /** When the frames of the last second were shown. */
  private times: number[] = [];

  constructor(private readonly desk: Desk) {
    receiveChosen(find<HTMLInputElement>("live-file"), (files) => this.take(files));
    find("live-start").addEventListener("click", () => this.openCamera());
    cameras.addEventListener("change", () => this.openCamera(cameras.value));
    find("live-stop").addEventListener("click", () => this.stop());
    pause.addEventListener("click", () => this.togglePause());
    position.addEventListener("input", () => this.seek());
    record.addEventListener("click", () => this.toggleRecording());
    this.onClick("live-save-frame", (shown) => this.saveFrame(shown));
    this.onClick("live-save-map", (shown) => this.saveMap(shown));
    record.hidden = !canRecord();
    find("live-no-recording").hidden = canRecord();
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.leave();
    });
    this.stop();
  }

  take(files: File[]) {
    if (files.length === 1) this.open(files[0].name, () => Player.openFile(files[0]));
    else this.desk.say(`One video at a time: these are ${files.length} files.`, true);
  }

  /** Turns the camera off, or one that is still asked for; a file waits. */
  leave() {
    this.finishRecording();
    if (this.player && !this.player.isCamera) this.player.video.pause();
    else if (this.player || this.isOpening) this.stop();
  }

  private async openCamera(device?: string) {
    await this.open("camera", () => Player.openCamera(device));
    const used = this.player?.device;
    if (!used) return;
    const found = await listCameras();
    const name = ({ label }: MediaDeviceInfo, index: number) => label || `Camera ${index + 1}`;
    const options = found.map((camera, i) => new Option(name(camera, i), camera.deviceId));
    cameras.replaceChildren(...options);
    cameras.value = used;
    find("live-cameras").hidden = found.length < 2;
  }

  private async open(name: string, opening: () => Promise<Player>) {
    this.stop();
    const turn = this.newest;
    this.isOpening = true;
    this.desk.say(`Opening ${name} …`);
    try {
      const player = await opening();
      // Something else was opened, or the tab left.
      if (turn !== this.newest) player.close();
      else this.start(player);
    } catch (error) {
      if (turn === this.newest) this.desk.say(`${name}: ${describeError(error)}`, true);
    }
    if (turn === this.newest) this.isOpening = false;
  }

  private start(player: Player) {
    const { video, name } = player;
    this.player = player;
    for (const event of ["play", "pause"]) video.addEventListener(event, () => this.showState());
    video.addEventListener("timeupdate", () => this.showPosition());
    this.showState();
    this.desk.say(`${name}: ${video.videoWidth} × ${video.videoHeight} pixels.`);
    this.follow(player);
  }

  private async follow(player: Player) {
    try {
      for (;;) {
        await player.next();
        if (player !== this.player) return;
        const frame = this.spare;
        const name = player.isCamera ? "camera" : `${stem(player.name)}_${player.video.currentTime.toFixed(2)}s`;
        const { map, milliseconds } = await this.desk.engine.predict(this.grab(player.video));
        if (player !== this.player) return;
        this.spare = this.shown?.frame ?? document.createElement("canvas");
        this.shown = { frame, map, name };
        this.redraw();
        this.count(milliseconds);
      }
    } catch (error) {
      if (player !== this.player) return;
      this.stop();
      this.desk.say(`${player.name}: ${describeError(error)}`, true);
    }
  }

  /** Keeps the video's frame, and returns it at the model's size, which the browser resizes it to. */
  private grab(video: HTMLVideoElement): Picture {
    const { spare, small } = this;
    [spare.width, spare.height] = [video.videoWidth, video.videoHeight];
    spare.getContext("2d")!.drawImage(video, 0, 0);
    [small.width, small.height] = [WIDTH, HEIGHT];
    const context = small.getContext("2d", { willReadFrequently: true })!;
    context.imageSmoothingQuality = "high";
    context.drawImage(spare, 0, 0, WIDTH, HEIGHT);
    return {
      width: WIDTH,
      height: HEIGHT,
      rgba: new Uint8ClampedArray(context.getImageData(0, 0, WIDTH, HEIGHT).data),
    };
  }

  private redraw() {
    if (!this.shown) return;
    const settings = this.controls.read();
    const { frame, map, name } = this.shown;
    drawFrame(canvas, this.layer, frame, map, settings, this.desk.palettes[settings.palette]);
    canvas.ariaLabel = `${name}, ${settings.view}: ${this.isPlaying ? "playing" : describe(this.shown)}`;
    find<HTMLFieldSetElement>("live-results").disabled = false;
    record.disabled = false;
  }

  private count(milliseconds: number) {
    const now = performance.now();
    this.times = [...this.times.filter((time) => time > now - 1000), now];
    speed.textContent = `frames a second: ${this.times.length}, a map: ${Math.round(milliseconds)} ms`;
  }

  private get isPlaying() {
    return this.player !== undefined && !this.player.video.paused;
  }

  private showState() {
    const { player } = this;
    find<HTMLFieldSetElement>("live-playing").disabled = !player;
    pause.textContent = this.isPlaying ? "Pause" : "Play";
    find("live-seeking").hidden = !player || player.isCamera;
    this.showPosition();
    this.redraw();
  }

  private showPosition() {
    const { currentTime = 0, duration = 0 } = this.player?.video ?? {};
    // Some films, recorded as they came, do not tell their length.
    position.disabled = !Number.isFinite(duration);
    position.value = String(position.disabled ? 0 : currentTime / duration);
  }

  private togglePause() {
    const { video } = this.player!;
    // Playing is aborted by a pause that follows at once.
    if (video.paused) video.play().catch(() => undefined);
    else video.pause();
  }

  private seek() {
    const { video } = this.player!;
    video.currentTime = position.valueAsNumber * video.duration;
  }

  private stop() {
    this.newest++;
    this.isOpening = false;
    this.finishRecording();
    this.player?.close();
    speed.textContent = "";
    this.desk.say(this.player?.isCamera ? "The camera is off." : "Nothing is playing.");
    this.player = undefined;
    this.showState();
  }

  private toggleRecording() {
    if (this.recording) {
      this.finishRecording();
    } else {
      this.recording = new Recording(canvas);
      record.textContent = "Stop recording";
    }
  }

  private async finishRecording() {
    const { recording, player } = this;
    if (!recording || !player) return;
    this.recording = undefined;
    record.textContent = "Record";
    save(await recording.finish(), `${stem(player.name)}_${this.controls.read().view}.webm`);
  }

  /** What is saved has the frame's own size, and is computed as for a picture: to the bit, not for speed. */
  private async look({ frame }: Shown) {
    const blob = await new Promise<Blob | null>((resolve) => frame.toBlob(resolve));
    return this.desk.engine.predict(blob!);
  }

  private async saveFrame(shown: Shown) {
    const settings = this.controls.read();
    const drawn = draw(await this.look(shown), settings, this.desk.palettes);
    save(await encode(drawn), `${shown.name}_${settings.view}.png`);
  }

  private async saveMap(shown: Shown) {
    const { map } = await this.look(shown);
    save(await writeGreyPng(toLevels(map), map.width, map.height), `${shown.name}_saliency.png`);
  }

  private onClick(id: string, action: (shown: Shown) => Promise<void>) {
    find(id).addEventListener("click", () => {
      if (this.shown) action(this.shown).catch((error) => this.desk.say(describeError(error), true));
    });
  }
}

/** Videos for the tests: none is kept in the repository, and Chromium makes most of them. */
import { writeFile } from "node:fs/promises";

const [WIDTH, HEIGHT, FRAMES] = [320, 240, 30];

/** Writes what Chromium's fake camera shows over and over: a bright square that crosses a dark wall. */
export async function writeCamera(path) {
  const header = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F15:1 Ip A1:1 C420jpeg\n`);
  const frames = Array.from({ length: FRAMES }, (_, frame) => {
    const luma = Buffer.alloc(WIDTH * HEIGHT, 60);
    const left = Math.round(((WIDTH - 60) * frame) / FRAMES);
    for (let y = 90; y < 150; y++) luma.fill(230, y * WIDTH + left, y * WIDTH + left + 60);
    return Buffer.concat([Buffer.from("FRAME\n"), luma, Buffer.alloc((WIDTH * HEIGHT) / 2, 128)]);
  });
  await writeFile(path, Buffer.concat([header, ...frames]));
}

/** Lets the page's browser record a moving square, for two seconds, or a tone; undefined where it cannot. */
export async function makeVideo(page, type) {
  const bytes = await page.evaluate(async (type) => {
    if (!MediaRecorder.isTypeSupported(type)) return undefined;
    const makePictures = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 400, height: 300 });
      const context = canvas.getContext("2d");
      const draw = (time) => {
        context.fillStyle = "#346";
        context.fillRect(0, 0, 400, 300);
        context.fillStyle = "#fd8";
        context.fillRect((time / 8) % 350, 120, 50, 60);
        requestAnimationFrame(draw);
      };
      draw(0);
      return canvas.captureStream(30);
    };
    const makeTone = () => {
      const context = new AudioContext();
      const [tone, end] = [context.createOscillator(), context.createMediaStreamDestination()];
      tone.connect(end);
      tone.start();
      return end.stream;
    };
    const recorder = new MediaRecorder(type.startsWith("audio") ? makeTone() : makePictures(), { mimeType: type });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    recorder.stop();
    await new Promise((resolve) => (recorder.onstop = resolve));
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
  }, type);
  return bytes && Buffer.from(bytes);
}

import { resizeArea } from "./area";
import type { SaliencyModel } from "./model";
import type { Picture, SaliencyMap } from "./picture";
import { HEIGHT, WIDTH } from "./size";
import { blur, resizeCubic } from "./smooth";

/** Predicts where people look, as `salgan_tf.SaliencyPredictor` does; the map has the picture's size. */
export async function predict(model: SaliencyModel, picture: Picture): Promise<SaliencyMap> {
  const values = await model.run(resizeArea(picture, WIDTH, HEIGHT));
  const map = resizeCubic({ width: WIDTH, height: HEIGHT, values }, picture.width, picture.height);
  blur(map);
  return map;
}

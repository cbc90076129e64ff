/** The bundled model's size, which LiteRT.js does not tell. */
export const WIDTH = 320;
export const HEIGHT = 256;

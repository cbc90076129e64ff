/** esbuild puts the bytes of an imported PNG into the script. */
declare module "*.png" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}

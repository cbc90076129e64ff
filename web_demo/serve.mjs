/** Serves dist/ on this machine alone, with the headers that let the page use threads. node serve.mjs [PORT] */
import { createReadStream, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, normalize } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("dist", import.meta.url));
const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};
const ISOLATION = JSON.parse(readFileSync(new URL("src/isolation.json", import.meta.url), "utf8"));

/** @param headers besides the types of the files */
export function makeServer(headers = ISOLATION) {
  return createServer(async (request, response) => {
    try {
      // Normalized from the root, a path cannot climb out of the folder.
      const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
      const file = DIST + (path.endsWith("/") ? `${path}index.html` : path);
      const { size } = await stat(file);
      const type = TYPES[extname(file)] ?? "application/octet-stream";
      const stream = createReadStream(file);
      stream.on("error", () => response.destroy());
      response.writeHead(200, {
        "Content-Type": type,
        "Content-Length": size,
        "Cache-Control": "no-cache",
        ...headers,
      });
      stream.pipe(response);
    } catch {
      response.writeHead(404).end("not found\n");
    }
  });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const server = makeServer();
  server.listen(Number(argv[2] ?? 8000), "localhost", () => {
    console.log(`http://localhost:${server.address().port}/  (Ctrl-C ends it)`);
  });
}

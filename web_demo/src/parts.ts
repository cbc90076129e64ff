import type { Sources } from "./model";

/**
 * Where the page's parts are: files beside it or, in the single HTML file, elements of the page, as base64 of gzip.
 */
export interface Parts {
  worker: Worker;
  sources: Sources;
  readExample: () => Promise<Blob>;
}

export async function findParts(): Promise<Parts> {
  if (document.getElementById("packed-worker.js")) return unpackParts();
  // A core is left to the page. With two cores, threads made the first map slower, and the others hardly faster.
  const threads = crossOriginIsolated ? Math.max(1, Math.min(navigator.hardwareConcurrency - 1, 4)) : 1;
  const beside = (name: string) => new URL(name, location.href).href;
  return {
    worker: new Worker(beside("worker.js")),
    sources: { folder: beside("litert/"), model: beside("model.tflite"), threads },
    readExample: async () => (await fetch(beside("example.jpg"))).blob(),
  };
}

async function unpackParts(): Promise<Parts> {
  const [worker, script, machineCode, model] = await Promise.all([
    unpack("worker.js", "text/javascript"),
    unpack("litert.js", "text/javascript"),
    unpack("litert.wasm", "application/wasm"),
    unpack("model.tflite"),
  ]);
  return {
    worker: new Worker(URL.createObjectURL(worker)),
    sources: { script, machineCode, model },
    readExample: () => unpack("example.jpg"),
  };
}

async function unpack(name: string, type = ""): Promise<Blob> {
  const text = document.getElementById(`packed-${name}`)?.textContent ?? "";
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Blob([await new Response(stream).arrayBuffer()], { type });
}

/**
 * The service worker: answers from the network or, without one, with what was loaded before; and isolates the page, so that
 * it may use threads, where the host cannot.
 */
import ISOLATION from "./isolation.json";

declare const self: ServiceWorkerGlobalScope;
// What a page has loaded before this worker answers for it.
const EARLY = ["./", "page.css", "page.js"];
const opening = caches.open("salgan-web-demo");

self.addEventListener("install", (event) => {
  event.waitUntil(opening.then((cache) => cache.addAll(EARLY)));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && new URL(url).origin === self.location.origin) {
    event.respondWith(answer(event).then((response) => isolate(event.request, response)));
  }
});

async function answer(event: FetchEvent): Promise<Response> {
  const { request } = event;
  try {
    const response = await fetch(request);
    // The page need not wait until it is written.
    if (response.ok) event.waitUntil(keep(request, response.clone()));
    return response;
  } catch (error) {
    const kept = await (await opening).match(request);
    if (kept) return kept;
    throw error;
  }
}

/** Adds the headers to a page, and to a thread, which must be as isolated as its page. */
function isolate({ destination }: Request, response: Response): Response {
  if (!response.ok || !["document", "worker"].includes(destination)) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(response.body, { status: response.status, headers });
}

async function keep(request: Request, response: Response) {
  await (await opening).put(request, response);
}

/** The service worker: answers from the network or, without one, with what was loaded before. */
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
  if (method === "GET" && new URL(url).origin === self.location.origin) event.respondWith(answer(event.request));
});

async function answer(request: Request): Promise<Response> {
  const cache = await opening;
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error;
  }
}

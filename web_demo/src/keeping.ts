/** Lets the page be opened without a network from the second time on, where the browser can. */
export async function keepForOffline() {
  const { serviceWorker } = navigator;
  if (!serviceWorker || !location.protocol.startsWith("http")) return;
  try {
    const controlled = new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve));
    await serviceWorker.register("offline.js");
    // What is loaded from now on is kept. A page that was reloaded past its cache is never controlled.
    const patience = new Promise((resolve) => setTimeout(resolve, 1000));
    if (!serviceWorker.controller) await Promise.race([controlled, patience]);
  } catch {
    // Some private windows refuse; the page works without.
  }
}

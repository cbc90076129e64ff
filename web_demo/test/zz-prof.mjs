import { launch, serve } from "./browser.mjs";
const browser = await launch(); const server = await serve();
const page = await (await browser.newContext({serviceWorkers:"block"})).newPage();
await page.goto(server.url);
await page.waitForTimeout(6000);
for (const threads of [1,2]) {
const r = await page.evaluate(async (threads) => { const w=new Worker("prof-worker.js"); const b=n=>new URL(n,location.href).href;
 w.postMessage({folder:b("litert/"),model:b("model.tflite"),threads,n:60}); return (await new Promise(r=>w.onmessage=r)).data; }, threads);
const med = (i,a)=>{const s=r.rows.slice(a).map(x=>x[i]).toSorted((x,y)=>x-y);return [s[s.length>>1].toFixed(2), s[0].toFixed(2)]};
console.log(threads, "tensor",med(0,20),"run",med(1,20),"data",med(2,20),"delete",med(3,20)); console.log(r.logs.join("\n"));
}
await browser.close(); server.close();

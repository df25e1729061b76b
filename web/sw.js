// Hands downloads of the page to the browser as streams. It holds no key and fetches nothing: the page
// sends it bytes that are decrypted and hashed already.

const waiting = new Map();

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("message", ({ data }) => {
  // `awake` only keeps this worker alive.
  if (!data.port) return;
  waiting.set(data.id, data);
  data.port.postMessage("ready");
});

addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  const id = pathname.match(/\/download\/([0-9a-f-]{36})$/)?.[1];
  const download = origin === location.origin && waiting.get(id);
  if (!download) return;
  waiting.delete(id);
  event.respondWith(answer(download));
});

function answer({ name, size, port }) {
  const quoted = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return new Response(stream(port), {
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(size),
      "content-disposition": `attachment; filename*=UTF-8''${quoted}`,
      "content-security-policy": "default-src 'none'",
      "x-content-type-options": "nosniff",
    },
  });
}

function stream(port) {
  let arrived;
  return new ReadableStream(
    {
      start(controller) {
        port.onmessage = ({ data }) => {
          if (data.buffer) {
            if (data.buffer.byteLength) controller.enqueue(new Uint8Array(data.buffer));
          } else if (data.close) controller.close();
          else controller.error(new Error("the download was given up"));
          arrived?.();
        };
      },
      pull() {
        port.postMessage("more");
        return new Promise((resolve) => (arrived = resolve));
      },
      cancel: () => port.postMessage("cancel"),
    },
    { highWaterMark: 1 },
  );
}

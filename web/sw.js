// Hands downloads of the page to the browser as streams. It holds no key and fetches nothing: the page
// sends it bytes that are decrypted and hashed already.

const waiting = new Map();


addEventListener("message", ({ data }) => {
  // `awake` only keeps this worker alive.
  if (!data.port) return;
  waiting.set(data.id, data);
  data.port.postMessage({ ready: true });
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

/**
 * What the page sends, in order. The browser asks for a buffer when it has taken all of the one before,
 * which then goes back to the page: memory that is used again never waits for a collector.
 */
function stream(port) {
  const arrived = [];
  let wake = () => undefined;
  let lent;
  const giveBack = () => {
    if (lent) port.postMessage({ buffer: lent }, [lent]);
    lent = undefined;
  };
  return new ReadableStream(
    {
      start(controller) {
        port.onmessage = ({ data }) => {
          if (data.abort) controller.error(new Error("the download was given up"));
          else arrived.push(data);
          wake();
        };
      },
      async pull(controller) {
        giveBack();
        while (!arrived.length) await new Promise((go) => (wake = go));
        const { buffer, length } = arrived.shift();
        if (!buffer) {
          controller.close();
          return port.postMessage({ taken: true });
        }
        lent = buffer;
        return controller.enqueue(new Uint8Array(buffer, 0, length));
      },
      cancel: () => port.postMessage({ cancelled: true }),
    },
    // Nothing is asked for ahead: what is asked for means that the one before was taken.
    { highWaterMark: 0 },
  );
}

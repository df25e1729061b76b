// Where downloads go: through the service worker straight to disk, or through memory where there is none.

import { make, saveAs } from "./dom.js";
import { codeUrl } from "./trust.js";

/** A service worker without events is stopped after 30 seconds, with its streams. */
const AWAKE = 5_000;

/** Bytes handed to the service worker at a time: copies, so that who gave them may use theirs again. */
const PIECE = 512 << 10;

let registration;

/** Registers the service worker. Where that is impossible downloads go through memory. */
export async function prepare() {
  try {
    await navigator.serviceWorker.register(codeUrl("sw.js"));
    registration = await navigator.serviceWorker.ready;
  } catch {
    registration = undefined;
  }
}

/** Opens a file of this name in the folder of downloads: `write`, `close`, `abort`. */
export function openFile(name, size) {
  return registration?.active ? throughWorker(name, size) : throughMemory(name);
}

function throughMemory(name) {
  const blobs = [];
  return {
    write: async (bytes) => blobs.push(new Blob([bytes])),
    close: async () => saveAs(name, new Blob(blobs)),
    abort: () => blobs.splice(0),
  };
}

async function throughWorker(name, size) {
  const { port1: port, port2 } = new MessageChannel();
  const id = crypto.randomUUID();
  const wanted = queueOfWishes(port);
  registration.active.postMessage({ id, name, size, port: port2 }, [port2]);
  await wanted.ready;
  const awake = setInterval(() => registration.active?.postMessage({ awake: true }), AWAKE);
  // A navigation in a frame: a link with `download` would not pass the service worker.
  const frame = make("iframe", { src: `download/${id}`, hidden: true });
  document.body.append(frame);
  const end = (message) => {
    port.postMessage(message);
    clearInterval(awake);
    // The browser needs the frame until the download has its last byte.
    setTimeout(() => frame.remove(), 10_000);
  };
  return {
    async write(bytes) {
      for (let start = 0; start < bytes.length; start += PIECE) {
        await wanted.next();
        const { buffer } = bytes.slice(start, start + PIECE);
        port.postMessage({ buffer }, [buffer]);
      }
    },
    async close() {
      end({ close: true });
    },
    abort: () => end({ abort: true }),
  };
}

/** The worker asks for each buffer when the browser has room for it. */
function queueOfWishes(port) {
  let wishes = 0;
  let cancelled = false;
  let wake = () => undefined;
  const { promise: ready, resolve } = Promise.withResolvers();
  port.onmessage = ({ data }) => {
    if (data === "ready") return resolve();
    if (data === "more") wishes += 1;
    if (data === "cancel") cancelled = true;
    return wake();
  };
  const next = async () => {
    while (!wishes && !cancelled) await new Promise((go) => (wake = go));
    if (cancelled) throw new DOMException("the download was cancelled in the browser", "AbortError");
    wishes -= 1;
  };
  return { ready, next };
}

// Where downloads go: through the service worker straight to disk, or through memory where there is none.

import { make, saveAs } from "./dom.js";
import { codeUrl } from "./trust.js";

/** A service worker without events is stopped after 30 seconds, with its streams. */
const AWAKE = 5_000;

/** Buffers that the service worker may have at a time. */
const LENT = 3;

let registration;

/** What the service worker answers for. Not the page: its requests would all be handed through it. */
const SCOPE = "download/";

/** Registers the service worker. Where that is impossible downloads go through memory. */
export async function prepare() {
  try {
    const coming = await navigator.serviceWorker.register(codeUrl("sw.js"), { scope: SCOPE });
    await activated(coming);
    registration = coming;
  } catch {
    registration = undefined;
  }
}

async function activated(registration) {
  const worker = registration.installing ?? registration.waiting;
  while (!registration.active && worker.state !== "redundant") {
    await new Promise((go) => worker.addEventListener("statechange", go, { once: true }));
  }
}

/**
 * Opens a file of this name in the folder of downloads. `write(buffer, length)` takes so many bytes at the
 * start of a buffer, and the buffer with them; `free()` gives one that was written, or undefined as long as
 * the page may make another; `close()`, `abort()`.
 */
export function openFile(name, size) {
  return registration?.active ? throughWorker(name, size) : throughMemory(name);
}

function throughMemory(name) {
  const blobs = [];
  const written = [];
  return {
    async write(buffer, length) {
      // The browser copies it, and keeps large ones on disk.
      blobs.push(new Blob([new Uint8Array(buffer, 0, length)]));
      written.push(buffer);
    },
    free: async () => written.pop(),
    close: async () => saveAs(name, new Blob(blobs)),
    abort: () => blobs.splice(0),
  };
}

async function throughWorker(name, size) {
  const { port1: port, port2 } = new MessageChannel();
  const id = crypto.randomUUID();
  const lent = ledger(port);
  registration.active.postMessage({ id, name, size, port: port2 }, [port2]);
  await lent.ready;
  const awake = setInterval(() => registration.active?.postMessage({ awake: true }), AWAKE);
  // A navigation in a frame: a link with `download` would not pass the service worker.
  const frame = make("iframe", { src: `${SCOPE}${id}`, hidden: true });
  document.body.append(frame);
  const end = (message) => {
    port.postMessage(message);
    clearInterval(awake);
    // The browser needs the frame until the download has its last byte.
    setTimeout(() => frame.remove(), 10_000);
  };
  return {
    async write(buffer, length) {
      lent.out();
      port.postMessage({ buffer, length }, [buffer]);
    },
    free: () => lent.back(),
    close: async () => end({ close: true }),
    abort: () => end({ abort: true }),
  };
}

/** Counts the buffers that the worker has: it sends each back when the browser has taken its bytes. */
function ledger(port) {
  const returned = [];
  let out = 0;
  let cancelled = false;
  let wake = () => undefined;
  const { promise: ready, resolve } = Promise.withResolvers();
  const refuse = () => {
    if (cancelled) throw new DOMException("the download was cancelled in the browser", "AbortError");
  };
  port.onmessage = ({ data }) => {
    if (data.ready) resolve();
    if (data.buffer) returned.push(data.buffer);
    if (data.cancelled) cancelled = true;
    wake();
  };
  return {
    ready,
    out() {
      refuse();
      out += 1;
    },
    async back() {
      while (!returned.length && !cancelled && out >= LENT) await new Promise((go) => (wake = go));
      refuse();
      if (!returned.length) return undefined;
      out -= 1;
      return returned.pop();
    },
  };
}

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
 * the page may make another; `close()` waits until the browser has taken all; `abort()`. What waits ends
 * with `signal`.
 */
export function openFile(name, size, signal = new AbortController().signal) {
  const worker = registration?.active;
  return worker ? throughWorker(worker, name, size, signal) : throughMemory(name);
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

async function throughWorker(worker, name, size, signal) {
  const { port1: port, port2 } = new MessageChannel();
  const id = crypto.randomUUID();
  const lent = new Ledger(port, signal);
  worker.postMessage({ id, name, size, port: port2 }, [port2]);
  await lent.ready();
  const ping = () => worker.postMessage({ awake: true });
  const awake = setInterval(ping, AWAKE);
  // A navigation in a frame: a link with `download` would not pass the service worker.
  const frame = make("iframe", { src: `${SCOPE}${id}`, hidden: true });
  document.body.append(frame);
  const end = () => {
    clearInterval(awake);
    frame.remove();
  };
  return {
    async write(buffer, length) {
      lent.out();
      // Timers of a hidden tab come once a minute.
      ping();
      port.postMessage({ buffer, length }, [buffer]);
    },
    free: () => lent.back(),
    async close() {
      port.postMessage({ close: true });
      await lent.taken();
      // The browser needs the frame until the download has its last byte.
      setTimeout(end, 10_000);
    },
    abort() {
      port.postMessage({ abort: true });
      end();
    },
  };
}

/** Counts the buffers that the worker has: it sends each back when the browser has taken its bytes. */
class Ledger {
  constructor(port, signal) {
    Object.assign(this, { signal, returned: [], lent: 0, said: {}, wake: () => undefined });
    port.onmessage = ({ data }) => {
      if (data.buffer) this.returned.push(data.buffer);
      // `ready`, `cancelled`, `taken`.
      else Object.assign(this.said, data);
      this.wake();
    };
    signal.addEventListener("abort", () => this.wake());
  }

  ready = () => this.until(() => this.said.ready);

  taken = () => this.until(() => this.said.taken);

  out() {
    this.refuse();
    this.lent += 1;
  }

  async back() {
    await this.until(() => this.returned.length || this.lent < LENT);
    if (!this.returned.length) return undefined;
    this.lent -= 1;
    return this.returned.pop();
  }

  async until(reached) {
    for (this.refuse(); !reached(); this.refuse()) await new Promise((go) => (this.wake = go));
  }

  refuse() {
    this.signal.throwIfAborted();
    if (this.said.cancelled) throw new DOMException("the download was cancelled in the browser", "AbortError");
  }
}

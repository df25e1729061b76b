// The page's side of the worker that hashes contents.

import { codeUrl } from "./trust.js";

let worker;
let calls = 0;
let contents = 0;
const waiting = new Map();

function start() {
  worker = new Worker(codeUrl("digest-worker.js"), { type: "module" });
  worker.addEventListener("message", ({ data: { call, result, error } }) => {
    const { resolve, reject } = waiting.get(call);
    waiting.delete(call);
    if (error) reject(Object.assign(new Error(error.message), { name: error.name }));
    else resolve(result);
  });
  // A worker that does not load would let every transfer wait for ever.
  worker.addEventListener("error", () => {
    for (const { reject } of waiting.values()) reject(new Error("the worker that hashes did not start"));
    waiting.clear();
    worker = undefined;
  });
}

function ask(verb, number, given = {}, transfer = []) {
  if (!worker) start();
  const call = ++calls;
  return new Promise((resolve, reject) => {
    waiting.set(call, { resolve, reject });
    worker.postMessage({ call, number, verb, ...given }, transfer);
  });
}

/** The keyed digest of one content under a key. `drop()` it, or `finish()` it. */
export class ContentDigest {
  constructor({ key }) {
    this.number = ++contents;
    const contentKey = key.contentKey();
    this.begun = ask("begin", this.number, { contentKey });
    contentKey.fill(0);
  }

  /** Takes a slice of a file, at a whole piece of 4 MiB; the SHA-256s of its chunks, one after another. */
  async slice(blob, offset) {
    await this.begun;
    return (await ask("slice", this.number, { blob, offset })).sha256s;
  }

  /** Takes the first `length` bytes of a buffer, which goes to the worker and comes back. */
  async bytes(buffer, offset, length = buffer.byteLength) {
    await this.begun;
    return (await ask("bytes", this.number, { buffer, offset, length }, [buffer])).buffer;
  }

  /** The digest of all that was taken; undefined if a piece is missing. */
  finish = async () => (await ask("finish", this.number)).digest;

  /** Forgets what was taken. */
  drop = () => ask("drop", this.number);
}

/** Lower-case hexadecimal. */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

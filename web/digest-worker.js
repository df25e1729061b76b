// Hashes contents off the main thread. Gets the content key of a person's key, never the key itself.

import { Filler } from "./filler.js";
import init, { ContentHasher, ContentTree, PieceHasher, pieceLength } from "./pkg/digest.js";

const ready = init();
/** Contents under way, by the number that the page gave them: the key, the tree, the next piece. */
const contents = new Map();

const does = {
  begin(number, { contentKey }) {
    contents.set(number, { contentKey, tree: new ContentTree(contentKey), size: 0 });
  },

  /** Hashes a slice of a file that begins at a whole piece; the SHA-256 of all of it. */
  async slice(number, { blob, offset }) {
    const read = turn.then(() => hashed(number, blob, offset));
    turn = read.catch(() => undefined);
    return { sha256: new Uint8Array(await (await read).sha256) };
  },

  /** Hashes so many bytes that arrived, and hands the buffer back. */
  bytes(number, { buffer, offset, length }) {
    takePieces(number, new Uint8Array(buffer, 0, length), offset);
    return { buffer };
  },

  finish(number) {
    const { contentKey, tree, size } = contents.get(number);
    // A tree has at least one piece; an empty content has none.
    const digest = size ? tree.finish() : new ContentHasher(contentKey).finish();
    does.drop(number);
    return { digest };
  },

  drop(number) {
    contents.get(number)?.contentKey.fill(0);
    contents.delete(number);
  },
};

/** Slices are read one after another, into memory that stays: a tab that waits for its collector grows. */
let turn = Promise.resolve();
let memory = new ArrayBuffer();

/** Hashes each piece of a slice while the browser reads the next one; then a promise of its SHA-256. */
async function hashed(number, blob, offset) {
  let taken = memory.byteLength < blob.size ? new ArrayBuffer(blob.size) : memory;
  memory = new ArrayBuffer();
  const filler = new Filler(blob.stream());
  for (let from = 0; from < blob.size; from += pieceLength()) {
    const to = Math.min(from + pieceLength(), blob.size);
    const { buffer, length } = await filler.fill(taken, from, to);
    taken = buffer;
    takePieces(number, new Uint8Array(taken, from, length), offset + from);
  }
  // It takes a copy before it returns, so that the next slice need not wait for it.
  const sha256 = crypto.subtle.digest("SHA-256", new Uint8Array(taken, 0, blob.size));
  memory = taken;
  return { sha256 };
}

function takePieces(number, bytes, offset) {
  const content = contents.get(number);
  const { contentKey, tree } = content;
  content.size += bytes.length;
  const length = pieceLength();
  for (let start = 0; start < bytes.length; start += length) {
    const hasher = new PieceHasher(contentKey, (offset + start) / length);
    hasher.update(bytes.subarray(start, start + length));
    tree.add(hasher.finish());
    hasher.free();
  }
}

addEventListener("message", async ({ data: { call, number, verb, ...given } }) => {
  try {
    await ready;
    const result = (await does[verb](number, given)) ?? {};
    postMessage({ call, result }, result.buffer ? [result.buffer] : []);
  } catch (error) {
    postMessage({ call, error: { name: error.name, message: error.message } });
  }
});

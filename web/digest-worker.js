// Hashes contents off the main thread. Gets the content key of a person's key, never the key itself.

import { CHUNK, unreadOr } from "./chunks.js";
import { Filler } from "./filler.js";
import init, { ContentHasher, ContentTree, PieceHasher, pieceLength } from "./pkg/digest.js";

const ready = init();
/** Contents under way, by the number that the page gave them: the key, the tree, the bytes so far. */
const contents = new Map();

const does = {
  begin(number, { contentKey }) {
    contents.set(number, { contentKey, tree: new ContentTree(contentKey), size: 0 });
  },

  /** Hashes a slice of a file that begins at a whole piece; the SHA-256s of its chunks. */
  async slice(number, { blob, offset }) {
    const read = turn.then(() => hashed(number, blob, offset));
    turn = read.catch(() => undefined);
    const sha256s = await read.catch(async (error) => {
      throw await unreadOr(blob, error);
    });
    return { sha256s };
  },

  /** Hashes so many bytes that arrived, and hands the buffer back. */
  bytes(number, { buffer, offset, length }) {
    const pieces = new Pieces(contents.get(number), offset);
    pieces.take(new Uint8Array(buffer, 0, length));
    pieces.end();
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
    const content = contents.get(number);
    content?.contentKey.fill(0);
    content?.tree.free();
    contents.delete(number);
  },
};

/** Slices are read one after another, into memory that stays: a tab that waits for its collector grows. */
let turn = Promise.resolve();
let memory = new ArrayBuffer(CHUNK);

async function hashed(number, blob, offset) {
  const pieces = new Pieces(contents.get(number), offset);
  const filler = new Filler(blob.stream());
  const digests = [];
  for (let left = blob.size; left > 0; left -= CHUNK) {
    // A read that fails takes the memory along.
    if (!memory.byteLength) memory = new ArrayBuffer(CHUNK);
    const { buffer, length } = await filler.fill(memory, 0, Math.min(CHUNK, left));
    memory = buffer;
    const chunk = new Uint8Array(buffer, 0, length);
    // It takes a copy before it returns, so that the next chunk need not wait for it.
    digests.push(crypto.subtle.digest("SHA-256", chunk));
    pieces.take(chunk);
  }
  pieces.end();
  const sha256s = new Uint8Array(32 * digests.length);
  for (const [index, digest] of digests.entries()) sha256s.set(new Uint8Array(await digest), 32 * index);
  return sha256s;
}

/** Puts bytes in order from a whole piece on into the tree of a content. */
class Pieces {
  constructor(content, offset) {
    Object.assign(this, { content, next: offset / pieceLength(), room: 0 });
  }

  take(bytes) {
    this.content.size += bytes.length;
    for (let rest = bytes; rest.length; ) {
      if (!this.room) this.begin();
      const fits = rest.subarray(0, this.room);
      this.hasher.update(fits);
      this.room -= fits.length;
      rest = rest.subarray(fits.length);
      if (!this.room) this.end();
    }
  }

  begin() {
    this.hasher = new PieceHasher(this.content.contentKey, this.next++);
    this.room = pieceLength();
  }

  /** The piece that was begun ends here. */
  end() {
    if (!this.hasher) return;
    this.content.tree.add(this.hasher.finish());
    this.hasher.free();
    this.hasher = undefined;
    this.room = 0;
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

// Hashes contents off the main thread. Gets the content key of a person's key, never the key itself.

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
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const sha256 = crypto.subtle.digest("SHA-256", bytes);
    takePieces(number, bytes, offset);
    return { sha256: new Uint8Array(await sha256) };
  },

  /** Hashes bytes that arrived, and hands them back. */
  bytes(number, { buffer, offset }) {
    takePieces(number, new Uint8Array(buffer), offset);
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

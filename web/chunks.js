// Bodies that are signed in chunks. The gateway refuses other bytes than those that were hashed, and nobody
// holds a whole part in memory to hash it.

/**
 * Bytes of a chunk. Chromium hashes what is below 960 KiB in memory that it has already, which halves the
 * cost; much smaller ones make it open the file more often.
 */
export const CHUNK = 896 << 10;

/** The body: what the signer put around the chunks of `blob`, and the chunks, which are not read here. */
export function framed(blob, frames) {
  const chunk = (index) => blob.slice(index * CHUNK, (index + 1) * CHUNK);
  const last = frames.length - 1;
  return new Blob(frames.flatMap((frame, index) => (index < last ? [frame, chunk(index)] : [frame])));
}

/** Why a blob cannot be read, if that is what is behind `error`: streams and requests only say that they failed. */
export const unreadOr = (blob, error) =>
  blob.slice(0, 1).arrayBuffer().then(() => error, (unread) => unread);

// Reads streams into memory that is used again. What a browser makes anew for each piece waits for its
// collector, and a tab that waits grows by the gigabyte.

/** Fills buffers from a stream of bytes, one after another. */
export class Filler {
  constructor(stream) {
    this.rest = new Uint8Array();
    try {
      this.reader = stream.getReader({ mode: "byob" });
      this.next = (view) => this.reader.read(view);
    } catch {
      // A browser that only hands out memory of its own.
      this.reader = stream.getReader();
      this.next = (view) => this.copied(view);
    }
  }

  /**
   * Takes a buffer and gives it back with bytes at `from` and after, and their number: less than fit before
   * `to` at the end only.
   */
  async fill(buffer, from = 0, to = buffer.byteLength) {
    let at = from;
    let ended = false;
    while (at < to && !ended) {
      const { done, value } = await this.next(new Uint8Array(buffer, at, to - at));
      buffer = value.buffer;
      at += value.length;
      ended = done;
    }
    return { buffer, length: at - from };
  }

  async copied(view) {
    while (!this.rest.length) {
      const { done, value } = await this.reader.read();
      if (done) return { done, value: view.subarray(0, 0) };
      this.rest = value;
    }
    const piece = this.rest.subarray(0, view.length);
    this.rest = this.rest.subarray(piece.length);
    view.set(piece);
    return { done: false, value: view.subarray(0, piece.length) };
  }
}

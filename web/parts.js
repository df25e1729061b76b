// The side of an upload in parts that stays in the browser: its key, its file, its journal.

import * as core from "./core.js";
import { ContentDigest, hex } from "./hashing.js";
import * as journals from "./journals.js";
import * as nonces from "./nonces.js";

/** What `carry` needs for an upload in parts. `job` is that of `upload`. Call `drop()` at the end. */
export class Parts {
  constructor(job) {
    Object.assign(this, job);
    this.digest = new ContentDigest(job.entry);
    this.contentKey = job.entry.key.contentKey();
    this.hashed = new Map();
    if (job.journal) this.take(job.journal.nonce);
  }

  /** Uses the key of this nonce from now on. */
  take(nonce) {
    const { place, entry, name } = this;
    this.seal = core.sealFor(place, entry, name, nonce);
    this.customer = this.seal.customerKey();
    this.facts = core.factsOf(this.seal, this.customer, entry.kind, this.seal.pendingTag());
  }

  async draw() {
    this.take(await nonces.draw(this.place, this.name));
    return { customer: this.customer, facts: this.facts };
  }

  /** A part and the SHA-256s of its chunks, noted before it is sent; undefined if another one was sent before. */
  async part(number, span) {
    const known = this.hashed.get(number);
    const part = known ?? (await this.read(number, span));
    // A part is only ever sent again with the same bytes: they share a key.
    if (!known && part) await this.write(core.journalSending(this.contentKey, number, part.content));
    return part;
  }

  /** True if the part is what was sent before. */
  async hash(number, span) {
    const part = await this.read(number, span);
    if (part) this.stored(number);
    return part !== undefined;
  }

  async read(number, [offset, length]) {
    this.signal.throwIfAborted();
    const body = this.file.slice(offset, offset + length);
    const sha256s = await this.digest.slice(body, offset);
    const content = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", sha256s)));
    if (this.journal?.sentAnother(this.contentKey, number, content)) return undefined;
    const part = { body, sha256s, content };
    this.hashed.set(number, part);
    return part;
  }

  stored(number) {
    this.progress(this.hashed.get(number).body.size);
    this.hashed.delete(number);
  }

  /** The numbers of the parts that the journal knows under these ETags. */
  agreed(listed) {
    const isKnown = ([number, etag]) => this.journal.hasStored(this.contentKey, Number(number), etag);
    return Object.entries(listed).filter(isKnown).map(([number]) => Number(number));
  }

  describe = async () => core.completeTag(this.seal, this.file.size, await this.digest.finish());

  async note({ step, upload, number, etag }) {
    const notes = {
      begun: () => this.write(this.begun()),
      created: () => this.write(core.journalCreated(upload)),
      stored: () => {
        this.stored(number);
        return this.write(core.journalStored(this.contentKey, number, etag));
      },
      completing: () => {
        this.stage("Proving that it is encrypted");
        return this.write(core.journalCompleting());
      },
      over: () => journals.remove(this.upload),
    };
    await notes[step]();
  }

  begun() {
    const { place, name, file, partSize, entry, seal } = this;
    const object = `s3://${place.bucket}/${name}`;
    return core.journalBegun(place.endpoint, object, file.name, file.size, partSize, entry.fingerprint, seal.nonce);
  }

  write = (line) => journals.append(this.upload, line);

  drop() {
    this.contentKey.fill(0);
    this.digest.drop();
    this.customer?.free();
    this.seal?.free();
  }
}

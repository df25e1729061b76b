// All that this page calls of the package s3-ssec. Whoever changes the package changes this file.

import { CHUNK } from "./chunks.js";
import init, * as ssec from "./pkg/s3_ssec.js";
import initDocuments, * as documents from "./pkg/documents.js";

export const { linkExpiresAt, rangeHeader } = ssec;

/** Lines of journals, policies, CORS rules, what refusals mean: after `loadDocuments()`. */
export const { journalBegun, journalCreated, journalSending, journalStored, journalCompleting } = documents;
export const { applyPolicy, explainPolicy, applyCors, admitsOrigin, explainRefusal } = documents;

/** Reads a journal: what began, `uploadId`, `sent` (what was sent, by part), `stored` (ETag by part), `completing`. */
export function parseJournal(text) {
  const journal = documents.UploadJournal.parse(text);
  if (!journal) return undefined;
  const { object, endpoint, source, size, partSize, key, nonce, uploadId, completing } = journal;
  const parts = Array.from({ length: Math.ceil(size / partSize) }, (_, index) => index + 1);
  const known = (of) => Object.fromEntries(parts.map((part) => [part, of(part)]).filter(([, value]) => value));
  const [sent, stored] = [known((part) => journal.sha256Of(part)), known((part) => journal.etagOf(part))];
  journal.free();
  return { object, endpoint, source, size, partSize, key, nonce, uploadId, completing, sent, stored };
}

/** Name of the tag that holds an object's record. */
export const recordTag = () => ssec.recordTagKey();

/** Loads the WebAssembly module that every page needs. */
export const load = () => init();

let loading;

/** Loads the one for journals, policies, CORS rules and refusals. Whoever failed may ask again. */
export const loadDocuments = () =>
  (loading ??= initDocuments().catch((error) => {
    loading = undefined;
    throw error;
  }));

const now = () => Date.now() / 1000;

/** Makes a master key. Returns the bytes of its file, and the key. */
export function makeKey(label) {
  const file = ssec.KeyFile.generate("master", label, new Date().toISOString().slice(0, 10));
  const bytes = file.print();
  const [key] = file.keys();
  return { bytes, key: { key, label, fingerprint: key.fingerprint, kind: key.kind } };
}

/** Reads a key file of ours or of another tool. The bytes are overwritten. */
export function readKeys(bytes) {
  try {
    const file = ssec.KeyFile.read(bytes);
    const labels = Array.from({ length: file.length }, (_, index) => file.label(index));
    return file.keys().map((key, index) => {
      return { key, label: labels[index], fingerprint: key.fingerprint, kind: key.kind };
    });
  } finally {
    bytes.fill(0);
  }
}

/**
 * The key file that 24 words are: its bytes. `kind` may be left out where the fingerprint is among the words.
 * An error says which word is wrong, or with the code "words-kind" that the kind is not known.
 */
export async function keyFileFromWords(text, kind) {
  const { default: load, keyFileOfWords } = await import("./pkg/words.js");
  await load();
  const typed = new TextEncoder().encode(text);
  try {
    return keyFileOfWords(typed, kind || undefined);
  } finally {
    typed.fill(0);
  }
}

/** A gateway, a bucket, and the right to ask. Held in memory only. */
export class Place {
  constructor({ endpoint, bucket, region, id, secret, token }) {
    this.endpoint = endpoint.replace(/\/+$/, "");
    this.bucket = bucket;
    this.gateway = new ssec.Gateway(this.endpoint);
    const bytes = new TextEncoder().encode(secret);
    this.signer = new ssec.Signer(region, id, bytes, token || undefined);
    bytes.fill(0);
    // The name of the bucket is checked where it is first used.
    this.gateway.request("GET", bucket).free();
  }

  /** The bucket as an address, for a question without credentials. */
  get address() {
    return `${this.endpoint}/${this.bucket}`;
  }

  /**
   * A request of this operation: `method`, `name` (of an object), `parameters`, `headers`, `customer`
   * (a key), `document` (a small body), or `length` and `sha256s` (of the chunks of a large one). Signed as
   * of now.
   */
  request(operation, { method, name, parameters = {}, headers = {}, customer, document, length, sha256s }) {
    const request = this.gateway.request(method, this.bucket, name);
    for (const [key, value] of Object.entries(parameters)) request.parameter(key, value);
    for (const [key, value] of Object.entries(headers)) request.header(key, value);
    if (customer) request.key(customer);
    if (document !== undefined) request.document(document);
    // Nothing has no chunk.
    const signed = length
      ? this.signer.signChunked(request, now(), length, CHUNK, sha256s)
      : this.signer.sign(request, now());
    request.free();
    return { place: this, operation, signed, sentKey: customer ? "target" : "none" };
  }

  /** Wipes the credentials. */
  leave() {
    this.signer.free();
  }
}

/** The code of an error of the package, else nothing: that of a DOMException is a number. */
export const codeOf = ({ code }) => (typeof code === "string" ? code : "");

/** The seal of a write that starts now, or of one that broke off and has a nonce. */
export function sealFor(place, entry, name, nonce) {
  if (nonce) return ssec.ObjectSeal.resume(entry.key, place.bucket, name, nonce);
  return new ssec.ObjectSeal(entry.key, place.bucket, name, now());
}

/** Opens a record with a key; undefined if it is another key's. */
export function opens(entry, place, name, tag) {
  try {
    return ssec.openRecord(entry.key, place.bucket, name, tag);
  } catch (error) {
    if (error.code === "record-foreign") return undefined;
    throw error;
  }
}

/** What a record says without a key. */
export const recordOf = (tag) => ssec.Record.parse(tag);

/** The complete record of a write; `digest` is the 32 bytes that the worker found. */
export const completeTag = (seal, size, digest) => seal.completeTag(size, digest);

/** True if an opened record promises exactly this content. */
export const contentMatches = (opened, size, digest) => opened.contentMatches(size, digest);

/** The key on the wire of a direct key; undefined for a master key, which is never sent. */
export const directKey = ({ key, kind }) => (kind === "direct" ? key.customerKey() : undefined);

/** A key for one write that nobody needs to read again. */
export const throwAwayKey = () => ssec.Key.generateDirect().customerKey();

/** The names of the headers that carry a key: of its algorithm, itself, and its MD5. */
export function keyHeaderNames() {
  const customer = throwAwayKey();
  const names = customer.pairs().map(([name]) => name.toLowerCase());
  customer.free();
  return names;
}

/** The parts of an upload, each of number, offset and length; and the size of all but the last. */
export function planParts(size, wanted) {
  const plan = new ssec.MultipartPlan(size, wanted);
  const parts = Array.from({ length: plan.partCount }, (_, index) => plan.part(index + 1));
  return { partSize: plan.partSize, parts };
}

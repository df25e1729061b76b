// All that this page calls of the package s3-ssec. Whoever changes the package changes this file.

import { CHUNK } from "./chunks.js";
import init, * as ssec from "./pkg/s3_ssec.js";
import initDocuments, * as documents from "./pkg/documents.js";

export const { linkExpiresAt, rangeHeader } = ssec;

/** Lines of journals, policies, CORS rules, what refusals mean, keyless reads, refusals, listings: after `loadDocuments()`. */
export const { journalBegun, journalCreated, journalSending, journalStored, journalCompleting } = documents;
export const { PolicyChange, explainPolicy, applyCors, admitsOrigin, explainRefusal, explainInspected } = documents;
export const { isRefusal, keylessRead, ListingPages, listingPageMax } = documents;

/**
 * Reads a journal: its `text`, what began, `uploadId`, `completing`, and of its parts `storedCount`, `sentAnother(contentKey,
 * part, sha256)` and `hasStored(contentKey, part, etag)`.
 */
export function parseJournal(text) {
  const journal = documents.UploadJournal.parse(text);
  if (!journal) return undefined;
  const { object, endpoint, source, size, partSize, key, nonce, uploadId, completing, storedCount } = journal;
  const sentAnother = (...part) => journal.sentAnother(...part);
  const hasStored = (...part) => journal.hasStored(...part);
  const begun = { object, endpoint, source, size, partSize, key, nonce };
  return { text, ...begun, uploadId, completing, storedCount, sentAnother, hasStored };
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
 * An error says which word is wrong; with the code "words-kind" that the kind is not known, and with
 * "words-unconfirmed" that no fingerprint says whether a master key is the right one.
 */
export async function keyFileFromWords(text, kind, withoutFingerprint) {
  const { default: load, keyFileOfWords } = await import("./pkg/words.js");
  await load();
  const typed = new TextEncoder().encode(text);
  try {
    return keyFileOfWords(typed, kind || undefined, withoutFingerprint);
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

/** The seal of a write with this nonce: a new one of `nonces.js`, or that of an interrupted upload. */
export const sealFor = (place, { key }, name, nonce) => ssec.ObjectSeal.resume(key, place.bucket, name, nonce);

export const { nonceSlot } = documents;

/** The nonce of a write that starts now, above this mark. */
export const drawNonce = (mark) => documents.drawNonce(now(), mark);

/** The mark after a genuine record with this nonce was read; undefined if it stays. */
export const nonceAfterReading = (nonce, mark) => documents.nonceAfterReading(now(), nonce, mark);

/** The question which of these keys opens an object, and what it is. */
export function inspectionOf(place, keys, name) {
  const inspection = new ssec.Inspection(place.bucket, name);
  for (const { key, label } of keys) inspection.addKey(key, label);
  return inspection;
}

/** Throws if keys must not be open together: the same bytes as a master key and as a direct one. */
export function checkTogether(entries) {
  const inspection = inspectionOf({ bucket: "any" }, entries, "any");
  try {
    inspection.step();
  } finally {
    inspection.free();
  }
}

/** The complete record of a write; `digest` is the 32 bytes that the worker found. */
export const completeTag = (seal, size, digest) => seal.completeTag(size, digest);

/** The facts about the key of a write that are no secret, with its record. */
export function factsOf(seal, customer, kind, record) {
  const [, , [, md5]] = customer.pairs();
  return { nonce: seal.nonce, md5, kind, record };
}

/** A key for one write that no one needs to read again, and the facts about it: it opens no other object. */
export function throwAway(place, name) {
  const key = ssec.Key.generateDirect();
  const seal = new ssec.ObjectSeal(key, place.bucket, name, now());
  const customer = seal.customerKey();
  const facts = factsOf(seal, customer, "master", seal.pendingTag());
  seal.free();
  key.free();
  return { customer, facts };
}

/** The orders of `carry.js`: a trial; one PUT; an upload in parts, and the end of one. `plan` lacks the name. */
export const trialOrder = (place, name, plan) => documents.Transfer.trial(planOf(place, name, plan));
export const putOrder = (place, name, plan) => documents.Transfer.put(planOf(place, name, plan));
export const partsOrder = (place, name, plan) => documents.Transfer.parts(planOf(place, name, plan));
export const completeOrder = (place, name, plan) => documents.Transfer.complete(planOf(place, name, plan));

const planOf = ({ bucket }, name, plan) => JSON.stringify({ bucket, name, ...plan });

/** The names of the headers that carry a key: of its algorithm, itself, and its MD5. */
export function keyHeaderNames() {
  const customer = ssec.Key.generateDirect().customerKey();
  const names = customer.pairs().map(([name]) => name.toLowerCase());
  customer.free();
  return names;
}

/** The bytes of each part of an upload but the last. */
export function partSize(size, wanted) {
  const plan = new ssec.MultipartPlan(size, wanted);
  const { partSize } = plan;
  plan.free();
  return partSize;
}

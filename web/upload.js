// Uploads: one PUT, or parts with a journal. A file is read twice, for its hashes and for the wire; the
// gateway refuses bytes that are not those that were hashed.

import { carry } from "./carry.js";
import * as core from "./core.js";
import { ContentDigest } from "./hashing.js";
import * as journals from "./journals.js";
import * as nonces from "./nonces.js";
import { areKept } from "./notes.js";
import { Parts } from "./parts.js";
import * as s3 from "./s3.js";
import { Turns } from "./turns.js";

/** What fits goes in one PUT, in bytes. */
const SINGLE_MAX = 16 << 20;
/** Wanted size of a part: few and large, because RGW's cipher restarts in each. */
const PART = 32 << 20;
const PARTS_IN_FLIGHT = 4;
/** Of all uploads together: a browser has six connections, and the page needs some for other questions. */
const turns = new Turns(PARTS_IN_FLIGHT);

/** Something that a person has to decide or mend; `todo` says how. */
export class Stopped extends Error {
  constructor(kind, what, todo) {
    super(what);
    Object.assign(this, { name: "Stopped", kind, what, todo });
  }
}

/** Places and kinds of write that were proved in this visit. */
const proved = new Set();

/** Proves that this kind of write is encrypted here and keeps its record, before anything is overwritten. */
async function tryFirst(place, name, kind) {
  const where = `${place.endpoint} ${place.bucket} ${kind}`;
  if (proved.has(where)) return;
  const { tagsKept, words } = await carry(core.trialOrder(place, name, { kind }), { place });
  if (words) console.warn(words);
  if (tagsKept === false) throw noRecord("the gateway does not keep tags, and the page keeps no ledger");
  proved.add(where);
}

const noRecord = (what) =>
  new Stopped("no-record", what, "Upload with the command, which notes records on your computer: s3-ssec put.");

const noNotes = () =>
  new Stopped(
    "no-notes",
    "this browser keeps no notes for the page, so two tabs could encrypt two files with one key",
    "Open the page in a window that is not private, and allow it to store data.",
  );

/**
 * Uploads a file. `job` has `place`, `entry` (the key), `file`, `name`, `existing` ("keep" or "replace"),
 * `signal`, `progress(bytes)`, `stage(text)`, `upload` (its name); to go on with one that broke off, `journal` (its
 * parsed journal).
 */
export async function upload(job) {
  if (!(await areKept())) throw noNotes();
  await core.loadDocuments();
  // Held as long as it runs, so that no other tab takes it for one that broke off.
  await navigator.locks.request(lockOf(job.upload), async () => {
    const type = job.file.type || "application/octet-stream";
    const isLarge = job.file.size > SINGLE_MAX;
    if (!job.journal) await tryFirst(job.place, job.name, isLarge ? "multipart" : "single");
    if (job.journal || isLarge) await inParts({ ...job, type });
    else await whole({ ...job, type });
  });
}

/** The lock of an upload that runs. */
export const lockOf = (upload) => `s3-ssec-upload-${upload}`;

async function whole(job) {
  const { place, entry, file, name, existing, signal, type } = job;
  const digest = new ContentDigest(entry);
  let sha256s, content;
  try {
    sha256s = await digest.slice(file, 0);
    content = await digest.finish();
  } finally {
    digest.drop();
  }
  const order = core.putOrder(place, name, { size: file.size, existing, tagsKept: true });
  let customer;
  // Made when it is sent: its nonce is the time.
  const draw = async () => {
    const seal = core.sealFor(place, entry, name, await nonces.draw(place, name));
    customer = seal.customerKey();
    const facts = core.factsOf(seal, customer, entry.kind, core.completeTag(seal, file.size, content));
    seal.free();
    return { customer, facts };
  };
  try {
    stored(await turns.take(() => carry(order, { place, draw, body: file, sha256s, type, signal })));
  } finally {
    customer?.free();
  }
  job.progress(file.size);
}

const unrecorded = () => noRecord("the object is there and encrypted, but its record was not seen in its tag");

/** Throws what a verdict on an upload means, unless it is "stored" and its record in its tag. */
function stored({ end, isInTag }) {
  if (end === "stored" && isInTag) return;
  const ends = { exists, overwritten, unrecorded, stored: unrecorded };
  Object.assign(ends, { "other-content": changed, "upload-gone": gone });
  throw ends[end]();
}

const exists = () =>
  new Stopped("exists", "there is an object of this name already", "Replace it, or leave it as it is.");

const changed = () =>
  new Stopped(
    "changed",
    "this is not the file that was being uploaded, or it has changed since",
    "Choose the file as it was, or discard the half-done upload and start again.",
  );

async function inParts(job) {
  const { place, entry, file, name, existing, journal } = job;
  const partSize = core.partSize(file.size, PART);
  const parts = new Parts({ ...job, partSize, turn: (sending) => turns.take(sending) });
  const before = journal && { journal: journal.text, key: parts.facts };
  const plan = { size: file.size, partSize: PART, atOnce: PARTS_IN_FLIGHT, existing, ...before };
  try {
    stored(await carry(core.partsOrder(place, name, plan), parts));
  } finally {
    parts.drop();
  }
}

const gone = () =>
  new Stopped(
    "gone",
    "the gateway does not know this incomplete upload any more, and its object does not exist",
    "Discard it and upload the file again.",
  );

const overwritten = () =>
  new Stopped(
    "overwritten",
    "the object of this name is not the one that was uploaded: another client may have replaced or removed it",
    "Look at what is there now. Then discard this upload, and upload the file under another name.",
  );

/** Gives a half-done upload up, at the gateway and here. */
export async function discard(place, upload, journal) {
  const name = nameIn(journal);
  if (journal.uploadId) await s3.abortUpload(place, name, journal.uploadId);
  await journals.remove(upload);
}

/** The object's name in a journal. */
export const nameIn = ({ object }) => object.replace(/^s3:\/\/[^/]+\//, "");

/** Half-done uploads to this place: an array of upload (a name), journal. */
export async function halfDone(place) {
  const texts = await journals.all();
  if (!texts.size) return [];
  await core.loadDocuments();
  const found = [];
  for (const [upload, text] of texts) {
    const journal = core.parseJournal(text);
    const here = journal?.endpoint === place.endpoint && journal.object.startsWith(`s3://${place.bucket}/`);
    if (here && journal.uploadId) found.push({ upload, journal });
  }
  return found;
}

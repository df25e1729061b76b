// The calls of S3 that this page makes, each as one function. Every use of a key checks the echo.

import { framed, unreadOr } from "./chunks.js";
import * as core from "./core.js";
import { hex } from "./hashing.js";
import { all, attempt, Body, bytesOf, NOTHING, Refusal, send } from "./transport.js";
import { sendForXml, textOf, Unreadable, xmlOf } from "./transport.js";

const OBJECTS_PER_PAGE = 100;

/** The ETag of an answer without its quotes. */
export const etagOf = (answer) => (answer.headers.get("etag") ?? "").replaceAll('"', "");

/** The size that an answer states: never assumed, for 0 would be another object. */
export function sizeOf(sent, answer) {
  const stated = answer.headers.get("content-length");
  if (!/^[0-9]{1,15}$/.test(stated ?? "")) throw new Unreadable(sent, new Error("the answer states no size"));
  return Number(stated);
}

const versionOf = (answer) => answer.headers.get("x-amz-version-id") ?? undefined;
const version = (id) => (id ? { versionId: id } : {});

/** A listing of a folder: `next()` gives its pages of `folders`, `objects` of name and size, and `next`. */
export async function listing(place, folder) {
  await core.loadDocuments();
  const pages = new core.ListingPages("objects", folder);
  let start;
  const next = async () => {
    const parameters = { "list-type": "2", delimiter: "/", prefix: folder, "encoding-type": "url" };
    parameters["max-keys"] = String(OBJECTS_PER_PAGE);
    if (start) parameters["continuation-token"] = start;
    const page = await read(pages, place.request("ListObjects", { method: "GET", parameters }));
    start = page.next;
    return page;
  };
  return { next };
}

/** Sends a request and reads a page of a listing, which the package judges. */
async function read(pages, sent) {
  const body = await bytesOf(sent, await send(sent), core.listingPageMax());
  try {
    return pages.read(body);
  } catch (error) {
    throw new Unreadable(sent, error);
  }
}

/** The tags of an object, as an array of key and value. */
export async function tags(place, name, versionId) {
  const parameters = { tagging: "", ...version(versionId) };
  const sent = place.request("GetObjectTagging", { method: "GET", name, parameters });
  const xml = await sendForXml(sent, "Tagging", NOTHING);
  return all(xml, "Tag").map((tag) => [textOf(tag, "Key"), textOf(tag, "Value")]);
}

async function putTags(place, name, set, versionId) {
  const lines = set.map(([k, v]) => `<Tag><Key>${escape(k)}</Key><Value>${escape(v)}</Value></Tag>`);
  const document = `<Tagging><TagSet>${lines.join("")}</TagSet></Tagging>`;
  const parameters = { tagging: "", ...version(versionId) };
  await send(place.request("PutObjectTagging", { method: "PUT", name, parameters, document }), {
    body: document,
  });
}

/**
 * Sets the tag of the record, keeps the others, and reads it back: true if it is there. `isOurs` looks at the
 * object afterwards and throws, with `isOverwritten` if it is another's: tags are written to whatever is there
 * at that moment. Then this record is taken off it again; `records` are those of this write, the complete one first.
 */
export async function putRecord(place, name, records, versionId, isOurs) {
  const [tag] = records;
  const rest = (set) => set.filter(([key]) => key !== core.recordTag());
  const before = await tags(place, name, versionId);
  await putTags(place, name, [...rest(before), [core.recordTag(), tag]], versionId);
  try {
    await isOurs();
  } catch (error) {
    if (error.isOverwritten) {
      const now = await tags(place, name, versionId).catch(() => []);
      // What was read before may be the record of the object that is there now.
      const theirs = before.filter(([key, value]) => key === core.recordTag() && !records.includes(value));
      const restored = [...rest(now), ...theirs];
      if (has(now, tag)) await putTags(place, name, restored, versionId).catch(() => undefined);
    }
    throw error;
  }
  return has(await tags(place, name, versionId), tag);
}

const has = (set, tag) => set.some(([key, value]) => key === core.recordTag() && value === tag);

/** The status of GetBucketVersioning; undefined if the bucket never kept versions. */
async function versioning(place) {
  const sent = place.request("GetBucketVersioning", { method: "GET", parameters: { versioning: "" } });
  return textOf(await sendForXml(sent, "VersioningConfiguration"), "Status");
}

/** The version of this ID; undefined unless the bucket is known to keep versions. */
export async function trusted(place, id) {
  return id && core.trustedVersion(await versioning(place).catch(() => undefined), id);
}

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/**
 * Looks at an object without a key: "absent", "readable" (not encrypted), or "key-needed". A HEAD that is
 * refused with 400 does not say why, and some servers answer so to any odd request: a GET says it.
 */
export async function lookWithoutKey(place, name, versionId) {
  const sent = place.request("HeadObject", { method: "HEAD", name, parameters: version(versionId) });
  const { status, answer, error } = await attempt(sent);
  if (answer) return "readable";
  if (status === 404) return "absent";
  if (status !== 400) throw error;
  const said = await firstByte(place, name, versionId);
  const state = core.keylessRead(said.status, said.error?.code, said.error?.said);
  // HEAD and GET contradict each other, or neither says anything.
  if (state === "readable" || state === "unclear") throw said.error ?? error;
  return state;
}

/**
 * GET of the first byte without a key, as of `attempt`. Its answer must not stay in the cache of the browser,
 * from where it would answer a later HEAD. (`cache: "no-store"` would repeat every preflight.)
 */
export async function firstByte(place, name, versionId) {
  const parameters = { ...version(versionId), "response-cache-control": "no-store" };
  const get = (headers) => attempt(place.request("GetObject", { method: "GET", name, parameters, headers }));
  let said = await get({ range: core.rangeHeader(0, 1) });
  // RGW judges the range before the key, and an empty object has no first byte.
  if (said.status === 416) said = await get({});
  said.answer?.body?.cancel().catch(() => undefined);
  return said;
}

/** HEAD with a key; throws unless the object is encrypted with it. */
export async function head(place, name, customer, versionId) {
  const parameters = version(versionId);
  const sent = place.request("HeadObject", { method: "HEAD", name, parameters, customer });
  const answer = await send(sent);
  customer.verifyEcho(answer.headers);
  return { etag: etagOf(answer), size: sizeOf(sent, answer) };
}

/**
 * Bytes of an object of this ETag; without `customer` those of a plain one. Takes the buffer `into` and
 * gives it back with them; undefined if they were not as many as asked for.
 */
export async function getRange(place, name, { customer, etag, offset, length, signal, into }) {
  const headers = { range: core.rangeHeader(offset, length), "if-match": `"${etag}"` };
  const sent = place.request("GetObject", { method: "GET", name, headers, customer });
  const answer = await send(sent, { signal, data: "much" });
  customer?.verifyEcho(answer.headers);
  const stated = answer.headers.get("content-range") ?? `bytes ${offset}-`;
  if (!stated.startsWith(`bytes ${offset}-`) || (answer.status !== 206 && offset)) {
    throw new Unreadable(sent, new Error("the answer is another range than the one asked for"));
  }
  const body = new Body(sent, answer, signal);
  const filled = await body.fill(into, 0, length);
  return filled.length === length && (await body.ended()) ? filled.buffer : undefined;
}

/** Sends a request with a blob, in chunks of these SHA-256s. `changedOr` says whether the file is behind an error. */
function sendFile(place, operation, spec, { body, sha256s, signal }) {
  const sent = place.request(operation, { ...spec, length: body.size, sha256s });
  const chunked = body.size ? framed(body, sent.signed.frames) : body;
  return send(sent, { body: chunked, signal, data: "much" });
}

/** What a gateway says of a body that is not what was signed. */
const OTHER_BODY = ["SignatureDoesNotMatch", "XAmzContentSHA256Mismatch"];

/** That the file changed while it was sent, if that is what is behind an error; else the error. */
async function changedOr(error, place, body) {
  const refused = place.believed && error instanceof Refusal && OTHER_BODY.includes(error.code);
  if (refused) return new DOMException("the file changed while it was sent", "NotReadableError");
  if (!(error instanceof Unreadable)) return error;
  return unreadOr(body, error);
}

/**
 * One PUT. `existing` says whether an object of the name is kept, `isUnique` that the key opens no other.
 * Throws unless it was encrypted; what is left then is in the error: `leftover`, in words.
 */
export async function put(place, name, { customer, body, sha256s, tag, type, existing, signal, isUnique }) {
  const headers = { "content-type": type, "x-amz-tagging": `${core.recordTag()}=${tag}` };
  if (existing === "keep") headers["if-none-match"] = "*";
  const spec = { method: "PUT", name, headers, customer };
  let versionId;
  try {
    const answer = await sendFile(place, "PutObject", spec, { body, sha256s, signal });
    versionId = versionOf(answer);
    customer.verifyEcho(answer.headers);
    return { versionId };
  } catch (error) {
    const reason = await changedOr(error, place, body);
    // A refusal says that nothing was stored. Behind a 412 may be our own object: browsers send a request
    // again whose connection was closed.
    const isTaken = error instanceof Refusal && error.status === 412;
    if (answerTo(error) === "refused" && !isTaken) throw reason;
    const write = { records: [tag], size: body.size, isUnique, customer };
    const { left, words } = await settle(place, name, write, answerTo(error), versionId);
    if (isTaken && left !== "arrived") throw error;
    // Of a file that changed something else may have arrived; and a gateway that confirms no key is not believed
    // by its next answers.
    const isWrong = reason.name === "NotReadableError" || core.codeOf(error).startsWith("echo-");
    if (left === "arrived" && !isWrong) return {};
    throw Object.assign(reason, { leftover: words });
  }
}

/** The answer to a write that ended with this error: "refused", "unproved" (a success), or "lost". */
export function answerTo(error) {
  if (error instanceof Refusal) return error.status < 500 ? "refused" : "lost";
  return core.codeOf(error).startsWith("echo-") ? "unproved" : "lost";
}

/**
 * Looks for the object of a write that is not confirmed, and removes it if it is surely ours and plaintext: as
 * the package decides. `answer` is that to the write, as of `answerTo`. `left` is "nothing", "not-found", "arrived",
 * "unknown" or "perhaps", and `words` say so.
 */
export async function settle(place, name, { records, size, isUnique, customer }, answer, versionId) {
  const search = new core.Aftermath(records, size, isUnique, answer, versionId);
  const head = async (key) => {
    const parameters = version(search.version);
    const sent = place.request("HeadObject", { method: "HEAD", name, parameters, customer: key });
    const { status, answer } = await attempt(sent);
    const found = [answer ? sizeOf(sent, answer) : 0, answer && versionOf(answer)];
    if (!key) return search.withoutKey(status, found[0], answer ? etagOf(answer) : "", found[1]);
    return search.underKey(status, Boolean(answer) && echoes(key, answer), ...found);
  };
  const take = {
    versioning: async () => search.versioning(await versioning(place)),
    "head-without-key": () => head(undefined),
    "first-byte": async () => {
      const { status, error } = await firstByte(place, name, search.version);
      search.firstByte(status, error?.code, error?.said);
    },
    head: () => head(customer),
    tags: async () => {
      const found = await tags(place, name, search.version);
      search.tags(found.map(([key]) => key), found.map(([, value]) => value));
    },
    remove: async () => {
      await remove(place, name, search.version);
      search.removed();
    },
  };
  try {
    for (let step = search.step(); step !== "end"; step = search.step()) {
      await take[step]().catch(() => search.failed());
    }
    return { left: search.leftover, words: search.words };
  } finally {
    search.free();
  }
}

/** True if an answer confirms a key. */
function echoes(customer, answer) {
  try {
    customer.verifyEcho(answer.headers);
    return true;
  } catch {
    return false;
  }
}

/** A name for an object that is there for a moment only. */
export const trialName = () => `.s3-ssec-trial-${hex(crypto.getRandomValues(new Uint8Array(8)))}`;

const TRIAL_TYPE = "application/octet-stream";

/** Calls `work` with a key that no one needs again, its record, a small body, and the body's SHA-256. */
async function withTrial(place, name, work) {
  await core.loadDocuments();
  const body = new Blob(["trial"]);
  const sha256s = new Uint8Array(await crypto.subtle.digest("SHA-256", await body.arrayBuffer()));
  const { customer, tag } = core.throwAway(place, name);
  try {
    return await work({ customer, tag, body, sha256s });
  } finally {
    customer.free();
  }
}

/** A small object under a key that no one needs again; its version. Throws unless it was encrypted. */
export const putTrial = (place, name, existing = "keep") =>
  withTrial(place, name, async (trial) => {
    return (await put(place, name, { ...trial, type: TRIAL_TYPE, existing, isUnique: true })).versionId;
  });

/** The same, read without a key and with its tag: `isEncrypted`, and `keepsTags`. It is removed. */
export const proveTrial = (place) => {
  const name = trialName();
  return withTrial(place, name, async (trial) => {
    const write = { ...trial, type: TRIAL_TYPE, existing: "keep", isUnique: true };
    const { versionId } = await put(place, name, write);
    try {
      const state = await lookWithoutKey(place, name);
      const found = await tags(place, name).catch((error) => {
        const isRefused = error instanceof Refusal && (error.status < 500 || error.status === 501);
        if (!isRefused) throw error;
        // Who may not read tags learns nothing here.
        return error.status === 403 ? undefined : [];
      });
      return { isEncrypted: state === "key-needed", keepsTags: !found || has(found, trial.tag) };
    } finally {
      await remove(place, name, versionId);
    }
  });
};

/** Removes an object, or one version of it. */
export async function remove(place, name, versionId) {
  const parameters = version(versionId);
  await send(place.request("DeleteObject", { method: "DELETE", name, parameters }));
}

/** The uploads that show what a policy does; each gives the version, where there is one. */
const TRIAL_UPLOADS = {
  plain: async (place, name) => {
    const sent = place.request("PutObject", { method: "PUT", name, document: "trial" });
    return versionOf(await send(sent, { body: "trial" }));
  },
  encrypted: (place, name) => putTrial(place, name, "replace"),
  multipart: (place, name) =>
    withTrial(place, name, async ({ customer, body, sha256s }) => {
      const uploadId = await createUpload(place, name, { customer, tag: "", type: TRIAL_TYPE });
      try {
        const part = await putPart(place, name, { uploadId, number: 1, customer, body, sha256s });
        return await completeUpload(place, name, { uploadId, parts: [[1, part]], customer });
      } catch (error) {
        await abortUpload(place, name, uploadId).catch(() => undefined);
        throw error;
      }
    }),
};

/** An upload of a trial: whether it `passed`, and its `version`. A refusal counts when nothing is stored. */
export async function tryUpload(place, name, kind) {
  try {
    return { passed: true, version: await TRIAL_UPLOADS[kind](place, name) };
  } catch (error) {
    // RGW 20.2 leaves the CORS headers out of a refusal by policy.
    const refused = error instanceof Unreadable || (error instanceof Refusal && error.status === 403);
    if (!refused) throw error;
    return { passed: (await lookWithoutKey(place, name)) !== "absent" };
  }
}

/** Creates an upload in parts; its ID. Throws unless the parts will be encrypted. */
export async function createUpload(place, name, { customer, tag, type }) {
  const headers = { "content-type": type, "x-amz-tagging": `${core.recordTag()}=${tag}` };
  const spec = { method: "POST", name, headers, parameters: { uploads: "" }, customer };
  const sent = place.request("CreateMultipartUpload", spec);
  const answer = await send(sent);
  const uploadId = textOf(await xmlOf(sent, answer, "InitiateMultipartUploadResult"), "UploadId");
  if (!uploadId) throw new Unreadable(sent, new Error("the answer names no upload"));
  try {
    customer.verifyEcho(answer.headers);
  } catch (error) {
    await abortUpload(place, name, uploadId).catch(() => undefined);
    throw error;
  }
  return uploadId;
}

/** Sends one part; its ETag. */
export async function putPart(place, name, { uploadId, number, customer, body, sha256s, signal }) {
  const spec = { method: "PUT", name, parameters: { partNumber: String(number), uploadId }, customer };
  const sending = sendFile(place, "UploadPart", spec, { body, sha256s, signal });
  const answer = await sending.catch(async (error) => Promise.reject(await changedOr(error, place, body)));
  customer.verifyEcho(answer.headers);
  return etagOf(answer);
}

/** The parts that the gateway holds: ETags by number; undefined if there is no such upload. */
export async function listParts(place, name, uploadId) {
  const found = new Map();
  const pages = new core.ListingPages("parts", name);
  for (let marker = "0"; marker; ) {
    const parameters = { uploadId, "part-number-marker": marker };
    const page = await read(pages, place.request("ListParts", { method: "GET", name, parameters })).catch(absent);
    if (!page) return undefined;
    for (const { number, etag } of page.parts) found.set(number, etag);
    marker = page.next;
  }
  return found;
}

function absent(error) {
  if (error instanceof Refusal && error.status === 404) return undefined;
  throw error;
}

/**
 * Makes one object of the parts: an array of number and ETag. `existing` as in `put`; gateways before 20.2
 * do not heed it here. The version, where there is one.
 */
export async function completeUpload(place, name, { uploadId, parts, customer, existing }) {
  const part = ([number, etag]) =>
    `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${etag}&quot;</ETag></Part>`;
  const lines = parts.map(part).join("");
  const document = `<CompleteMultipartUpload>${lines}</CompleteMultipartUpload>`;
  const headers = existing === "keep" ? { "if-none-match": "*" } : {};
  const spec = { method: "POST", name, headers, parameters: { uploadId }, customer, document };
  const sent = place.request("CompleteMultipartUpload", spec);
  const answer = await send(sent, { body: document, data: "much" });
  // S3 may say 200 first and fail afterwards.
  const xml = await xmlOf(sent, answer, "CompleteMultipartUploadResult", "Error");
  if (xml.documentElement.localName === "Error") {
    throw new Refusal(sent, 500, textOf(xml, "Code"), textOf(xml, "Message"));
  }
  return versionOf(answer);
}

/** Gives an upload up; its parts are removed. */
export async function abortUpload(place, name, uploadId) {
  const spec = { method: "DELETE", name, parameters: { uploadId } };
  await send(place.request("AbortMultipartUpload", spec)).catch(absent);
}

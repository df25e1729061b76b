// The calls of S3 that this page makes by itself, each as one function, and the trials of policies. Every use of a key
// checks the echo. Uploads, and the trials before them, are orders of the package: see `carry.js`.

import { carry, sendFile, small } from "./carry.js";
import * as core from "./core.js";
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

const TRIAL_TYPE = "application/octet-stream";

/** Calls `work` with a key that no one needs again, the facts about it, and a small body with its SHA-256. */
async function withTrial(place, name, work) {
  await core.loadDocuments();
  const key = core.throwAway(place, name);
  try {
    return await work({ ...key, ...(await small("trial")), type: TRIAL_TYPE, isForgotten: true, place });
  } finally {
    key.customer.free();
  }
}

/** A small object under a key that no one needs again, proved to be encrypted: the verdict. */
const putTrial = (place, name) =>
  withTrial(place, name, ({ customer, facts, ...job }) => {
    const order = core.putOrder(place, name, { size: job.body.size, existing: "replace", tagsKept: true });
    return carry(order, { ...job, draw: () => ({ customer, facts }) });
  });

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
  encrypted: async (place, name) => (await putTrial(place, name)).versionId,
  multipart: (place, name) =>
    withTrial(place, name, async ({ facts, ...job }) => {
      const { customer, body, type } = job;
      const upload = await createUpload(place, name, { customer, tag: "", type });
      try {
        const etag = await putPart(place, name, { ...job, uploadId: upload, number: 1 });
        const { record } = facts;
        const plan = { key: facts, upload, etags: [etag], size: body.size, record, existing: "replace", isCompleted: false };
        return (await carry(core.completeOrder(place, name, plan), job)).versionId;
      } catch (error) {
        await abortUpload(place, name, upload).catch(() => undefined);
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
  const answer = await sendFile(place, "UploadPart", spec, { body, sha256s, signal });
  customer.verifyEcho(answer.headers);
  return etagOf(answer);
}

function absent(error) {
  if (error instanceof Refusal && error.status === 404) return undefined;
  throw error;
}

/** Gives an upload up; its parts are removed. */
export async function abortUpload(place, name, uploadId) {
  const spec = { method: "DELETE", name, parameters: { uploadId } };
  await send(place.request("AbortMultipartUpload", spec)).catch(absent);
}

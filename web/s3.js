// The calls of S3 that this page makes, each as one function. Every use of a key checks the echo.

import { framed, unreadOr } from "./chunks.js";
import * as core from "./core.js";
import { hex } from "./hashing.js";
import { all, Body, parseXml, Refusal, send, sendForXml, textOf, Unreadable } from "./transport.js";

const OBJECTS_PER_PAGE = 100;

const etagOf = (answer) => (answer.headers.get("etag") ?? "").replaceAll('"', "");
const versionOf = (answer) => answer.headers.get("x-amz-version-id") ?? undefined;
const version = (id) => (id ? { versionId: id } : {});

/** One page of a folder: `folders`, `objects` of name, size and time, and where the next page starts. */
export async function list(place, folder, start) {
  const parameters = { "list-type": "2", delimiter: "/", prefix: folder, "encoding-type": "url" };
  parameters["max-keys"] = String(OBJECTS_PER_PAGE);
  if (start) parameters["continuation-token"] = start;
  const xml = await sendForXml(place.request("ListObjects", { method: "GET", parameters }));
  const name = (text) => decodeURIComponent(text.replaceAll("+", " "));
  const object = (node) => {
    const [key, size, time] = ["Key", "Size", "LastModified"].map((field) => textOf(node, field));
    return { name: name(key), size: Number(size), time: new Date(time) };
  };
  return {
    folders: all(xml, "CommonPrefixes").map((node) => name(textOf(node, "Prefix"))),
    objects: all(xml, "Contents").map(object),
    next: textOf(xml, "IsTruncated") === "true" ? textOf(xml, "NextContinuationToken") : undefined,
  };
}

/** The tags of an object, as an array of key and value. */
export async function tags(place, name, versionId) {
  const parameters = { tagging: "", ...version(versionId) };
  const xml = await sendForXml(place.request("GetObjectTagging", { method: "GET", name, parameters }));
  return all(xml, "Tag").map((tag) => [textOf(tag, "Key"), textOf(tag, "Value")]);
}

/** Sets the tag of the record, and keeps the others. */
export async function putRecord(place, name, tag, versionId) {
  const others = (await tags(place, name, versionId)).filter(([key]) => key !== core.recordTag());
  const set = [...others, [core.recordTag(), tag]];
  const lines = set.map(([k, v]) => `<Tag><Key>${escape(k)}</Key><Value>${escape(v)}</Value></Tag>`);
  const document = `<Tagging><TagSet>${lines.join("")}</TagSet></Tagging>`;
  const parameters = { tagging: "", ...version(versionId) };
  await send(place.request("PutObjectTagging", { method: "PUT", name, parameters, document }), {
    body: document,
  });
}

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** What HEAD without a key shows: "absent", "readable" (not encrypted), or "key-needed". */
export async function headWithoutKey(place, name) {
  try {
    const answer = await send(place.request("HeadObject", { method: "HEAD", name }));
    const size = Number(answer.headers.get("content-length"));
    return { state: "readable", etag: etagOf(answer), size };
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return { state: "absent" };
    if (error instanceof Refusal && error.status === 400) return { state: "key-needed" };
    throw error;
  }
}

/** HEAD with a key; throws unless the object is encrypted with it. */
export async function head(place, name, customer, versionId) {
  const parameters = version(versionId);
  const answer = await send(place.request("HeadObject", { method: "HEAD", name, parameters, customer }));
  customer.verifyEcho(answer.headers);
  return { etag: etagOf(answer), size: Number(answer.headers.get("content-length")) };
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
  const body = new Body(sent, answer, signal);
  const filled = await body.fill(into, 0, length);
  return filled.length === length && (await body.ended()) ? filled.buffer : undefined;
}

/** Sends a request with a blob, in chunks of these SHA-256s. */
async function sendFile(place, operation, spec, { body, sha256s, signal }) {
  const sent = place.request(operation, { ...spec, length: body.size, sha256s });
  const chunked = body.size ? framed(body, sent.signed.frames) : body;
  try {
    return await send(sent, { body: chunked, signal, data: "much" });
  } catch (error) {
    throw await changedOr(error, place, body);
  }
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

/** One PUT. `existing` says whether an object of the name is kept. Throws unless it was encrypted. */
export async function put(place, name, { customer, body, sha256s, tag, type, existing, signal }) {
  const headers = { "content-type": type };
  if (tag) headers["x-amz-tagging"] = `${core.recordTag()}=${tag}`;
  if (existing === "keep") headers["if-none-match"] = "*";
  const spec = { method: "PUT", name, headers, customer };
  const answer = await sendFile(place, "PutObject", spec, { body, sha256s, signal });
  try {
    customer.verifyEcho(answer.headers);
  } catch (error) {
    error.leftover = await takeBack(place, name, etagOf(answer), versionOf(answer));
    throw error;
  }
  return { etag: etagOf(answer), versionId: versionOf(answer) };
}

/** A name for an object that is there for a moment only. */
export const trialName = () => `.s3-ssec-trial-${hex(crypto.getRandomValues(new Uint8Array(8)))}`;

/** A small object under a key that nobody needs again; its version. Throws unless it was encrypted. */
export async function putTrial(place, name) {
  const body = new Blob(["trial"]);
  const sha256s = new Uint8Array(await crypto.subtle.digest("SHA-256", await body.arrayBuffer()));
  const customer = core.throwAwayKey();
  try {
    const type = "application/octet-stream";
    return (await put(place, name, { customer, body, sha256s, type, existing: "keep" })).versionId;
  } finally {
    customer.free();
  }
}

/**
 * Removes what was just stored in the clear: by its version, else only if it is what we wrote.
 * Returns "nothing" or "perhaps".
 */
async function takeBack(place, name, etag, versionId) {
  try {
    if (!versionId) {
      const found = await headWithoutKey(place, name);
      if (found.state === "absent") return "nothing";
      if (found.state !== "readable" || found.etag !== etag) return "perhaps";
    }
    await remove(place, name, versionId);
    return "nothing";
  } catch {
    return "perhaps";
  }
}

/** Removes an object, or one version of it. */
export async function remove(place, name, versionId) {
  const parameters = version(versionId);
  await send(place.request("DeleteObject", { method: "DELETE", name, parameters }));
}

/** A PUT of nothing without any key: "taken" or "refused", by what is there afterwards. */
export async function putPlain(place, name) {
  try {
    await send(place.request("PutObject", { method: "PUT", name }), { body: "" });
  } catch (error) {
    // RGW 20.2 leaves the CORS headers out of a refusal by policy.
    if (!(error instanceof Refusal || error instanceof Unreadable)) throw error;
  }
  return (await headWithoutKey(place, name)).state === "absent" ? "refused" : "taken";
}

/** Creates an upload in parts; its ID. Throws unless the parts will be encrypted. */
export async function createUpload(place, name, { customer, tag, type }) {
  const headers = { "content-type": type, "x-amz-tagging": `${core.recordTag()}=${tag}` };
  const spec = { method: "POST", name, headers, parameters: { uploads: "" }, customer };
  const answer = await send(place.request("CreateMultipartUpload", spec));
  const uploadId = textOf(parseXml(await answer.text()), "UploadId");
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

/** The parts that the gateway holds: ETags by number; undefined if there is no such upload. */
export async function listParts(place, name, uploadId) {
  const found = new Map();
  for (let marker = "0"; marker; ) {
    const parameters = { uploadId, "part-number-marker": marker };
    const sent = place.request("ListParts", { method: "GET", name, parameters });
    const xml = await sendForXml(sent).catch(absent);
    if (!xml) return undefined;
    for (const part of all(xml, "Part")) {
      const etag = textOf(part, "ETag").replaceAll('"', "");
      found.set(Number(textOf(part, "PartNumber")), etag);
    }
    marker = textOf(xml, "IsTruncated") === "true" ? textOf(xml, "NextPartNumberMarker") : undefined;
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
  const xml = parseXml(await answer.text());
  // S3 may say 200 first and fail afterwards.
  const code = textOf(xml, "Code");
  if (code) throw new Refusal(sent, 500, code, textOf(xml, "Message"));
  return versionOf(answer);
}

/** Gives an upload up; its parts are removed. */
export async function abortUpload(place, name, uploadId) {
  const spec = { method: "DELETE", name, parameters: { uploadId } };
  await send(place.request("AbortMultipartUpload", spec)).catch(absent);
}

// The only caller of fetch. Sends signed requests, reads answers, tells refusals from silence.

import { Filler } from "./filler.js";
import { xmlText } from "./trust.js";

/** Milliseconds until a small request is given up, and one that carries data. */
const PATIENCE = 60_000;
const PATIENCE_DATA = 1_800_000;
/** Bytes of an answer that are read, at most: of a document, and of a refusal. No gateway comes near them. */
export const DOCUMENT_MAX = 1 << 20;
const REFUSAL_MAX = 64 << 10;

/** The gateway answered, and refused. */
export class Refusal extends Error {
  constructor({ operation, sentKey }, { status, headers }, text) {
    const [code, said] = refusalOf(text);
    super(`${operation}: ${status} ${code ?? ""}`);
    Object.assign(this, { name: "Refusal", operation, sentKey, status, headers, code, said, text });
  }
}

/** No readable answer: browsers do not tell a page why. `diagnose.js` finds out. */
export class Unreadable extends Error {
  constructor(sent, cause) {
    super(`${sent.operation}: no readable answer`, { cause });
    const { operation, signed, place } = sent;
    Object.assign(this, { name: "Unreadable", operation, url: signed.url, believed: place?.believed });
  }
}

/**
 * Sends a request and returns the answer if it is a success. `sent` holds `signed` (url, method,
 * headers and what keeps a key from travelling), `operation` (the S3 name), `sentKey`, and the `place`,
 * which is believed from its first success on.
 */
export async function send(sent, { body, signal, data = "small" } = {}) {
  const limit = AbortSignal.timeout(data === "small" ? PATIENCE : PATIENCE_DATA);
  const either = signal ? AbortSignal.any([signal, limit]) : limit;
  let answer;
  try {
    answer = await fetch(sent.signed.url, { ...sent.signed, body, signal: either });
  } catch (error) {
    throw silence(sent, signal, error);
  }
  if (answer.ok) {
    if (sent.place) sent.place.believed = true;
    return answer;
  }
  // HEAD has no body.
  throw new Refusal(sent, answer, await wordsOf(sent, answer, REFUSAL_MAX).catch(() => ""));
}

/** As `send`; a refusal is an answer too: `status`, and `answer` or `error`. */
export async function attempt(sent, options) {
  try {
    const answer = await send(sent, options);
    return { status: answer.status, answer };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, error };
  }
}

/** The bytes of an answer, all of them. One that is longer than `most` is unreadable. */
export async function bytesOf(sent, answer, most = DOCUMENT_MAX) {
  const broken = (error) => Promise.reject(new Unreadable(sent, error));
  const pieces = [];
  let length = 0;
  const reader = answer.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read().catch(broken);
    if (done) break;
    length += value.length;
    if (length > most) {
      reader.cancel().catch(() => undefined);
      throw new Unreadable(sent, new Error("the answer is too long"));
    }
    pieces.push(value);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** The same as text. */
export const wordsOf = async (sent, answer, most) => new TextDecoder().decode(await bytesOf(sent, answer, most));

/** The body of an answer. A line that broke in the middle is no readable answer. */
export class Body {
  constructor(sent, answer, signal) {
    Object.assign(this, { sent, signal, filler: new Filler(answer.body) });
  }

  /** As of `Filler`. */
  async fill(buffer, from, to) {
    try {
      return await this.filler.fill(buffer, from, to);
    } catch (error) {
      throw silence(this.sent, this.signal, error);
    }
  }

  /** True if nothing follows. */
  async ended() {
    return (await this.fill(new ArrayBuffer(1))).length === 0;
  }
}

/**
 * Sends a request and reads the answer as XML, all of it: of an incomplete one a parser shows the first half,
 * and a proxy may answer with a page. `roots` are the names that its first element may have.
 */
export const sendForXml = async (sent, ...roots) => xmlOf(sent, await send(sent), ...roots);

/** The XML of an answer, under the same rules. */
export async function xmlOf(sent, answer, ...roots) {
  const xml = parseXml(await wordsOf(sent, answer));
  const wrong = (what) => new Unreadable(sent, new Error(`the answer is ${what}`));
  if (all(xml, "parsererror").length) throw wrong("not complete");
  if (!roots.includes(xml.documentElement.localName)) throw wrong(`no ${roots[0]}`);
  return xml;
}

function silence(sent, signal, error) {
  if (signal?.aborted) return signal.reason;
  // A chosen file that was moved or changed cannot be read any more.
  return error.name === "NotReadableError" ? error : new Unreadable(sent, error);
}

/** Code and message of a refusal. A proxy may answer with a page. */
function refusalOf(text) {
  if (!text.trimStart().startsWith("<")) return [undefined, undefined];
  const xml = parseXml(text);
  return [textOf(xml, "Code"), textOf(xml, "Message")];
}

/** How a place looks to somebody without credentials: "readable", "closed" to pages, or "silent". */
export async function look(url) {
  // Nothing secret is in it, and a browser refuses to look without CORS and without redirects.
  const plain = { credentials: "omit", referrerPolicy: "no-referrer" };
  const once = (mode) => fetch(url, { ...plain, mode, signal: AbortSignal.timeout(10_000) });
  // A simple request: no preflight, so an answer that can be read proves that CORS is set.
  const readable = await once("cors").then((answer) => answer.type === "cors", () => false);
  if (readable) return "readable";
  return once("no-cors").then(() => "closed", () => "silent");
}

/** The name of the first element of an answer without a body. */
export const NOTHING = "nothing";

/**
 * Reads an answer; its texts are never shown as markup. RGW (18.2 measured) says nothing at all of an object
 * without tags, for which the parser would make a page with styles of its own.
 */
function parseXml(text) {
  return new DOMParser().parseFromString(xmlText(text || `<${NOTHING}/>`), "application/xml");
}

/** All elements of this name under `node`. */
export const all = (node, name) => [...node.getElementsByTagNameNS("*", name)];

/** The text of the first element of this name; undefined if there is none. */
export const textOf = (node, name) => all(node, name)[0]?.textContent;

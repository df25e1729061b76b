// The only caller of fetch. Sends signed requests, reads answers, tells refusals from silence.

import { xmlText } from "./trust.js";

/** Milliseconds until a small request is given up, and one that carries data. */
const PATIENCE = 60_000;
const PATIENCE_DATA = 900_000;

/** The gateway answered, and refused. */
export class Refusal extends Error {
  constructor(sent, status, code, message) {
    super(`${sent.operation}: ${status} ${code ?? ""}`);
    Object.assign(this, { name: "Refusal", operation: sent.operation, sentKey: sent.sentKey, status, code });
    this.said = message;
  }
}

/** No readable answer: browsers do not tell a page why. `diagnose.js` finds out. */
export class Unreadable extends Error {
  constructor(sent, cause) {
    super(`${sent.operation}: no readable answer`, { cause });
    Object.assign(this, { name: "Unreadable", operation: sent.operation, url: sent.signed.url });
  }
}

/**
 * Sends a request and returns the answer if it is a success. `sent` holds `signed` (url, method,
 * headers and what keeps a key from travelling), `operation` (the S3 name) and `sentKey`.
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
  if (answer.ok) return answer;
  const [code, message] = await refusalOf(answer);
  throw new Refusal(sent, answer.status, code, message);
}

/**
 * Reads the body of an answer into a buffer and counts its bytes, those that do not fit included. A line
 * that broke in the middle is no readable answer.
 */
export async function readInto(buffer, sent, answer, signal) {
  const memory = new Uint8Array(buffer);
  const reader = answer.body.getReader();
  let length = 0;
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      if (length + value.length <= memory.length) memory.set(value, length);
      length += value.length;
    }
    return length;
  } catch (error) {
    throw silence(sent, signal, error);
  }
}

/** The body of an answer as it arrives, in pieces. */
export async function* piecesOf(sent, answer) {
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw silence(sent, undefined, error);
    });
    if (done) return;
    yield value;
  }
}

/** Sends a request and reads the answer as XML. */
export async function sendForXml(sent, options) {
  return parseXml(await (await send(sent, options)).text());
}

function silence(sent, signal, error) {
  if (signal?.aborted) return signal.reason;
  // A chosen file that was moved or changed cannot be read any more.
  return error.name === "NotReadableError" ? error : new Unreadable(sent, error);
}

async function refusalOf(answer) {
  // HEAD has no body; a proxy may answer with a page.
  const text = await answer.text().catch(() => "");
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

/** Reads an answer; its texts are never shown as markup. */
export function parseXml(text) {
  return new DOMParser().parseFromString(xmlText(text), "application/xml");
}

/** All elements of this name under `node`. */
export const all = (node, name) => [...node.getElementsByTagNameNS("*", name)];

/** The text of the first element of this name; undefined if there is none. */
export const textOf = (node, name) => all(node, name)[0]?.textContent;

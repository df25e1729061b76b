// Links: an address and headers that somebody made with `s3-ssec presign`, for one download or upload.

import { isRefusal, keyHeaderNames, linkExpiresAt, loadDocuments } from "./core.js";
import { ask, byId, choose, say, showProblem } from "./dom.js";
import { explain } from "./diagnose.js";
import { sizeOf } from "./s3.js";
import { openFile } from "./saving.js";
import { Body, Refusal, send, Unreadable } from "./transport.js";

/** Bytes handed on at a time. */
const PIECE = 4 << 20;

/** Wires the dialog. */
export function wireLink() {
  byId("link-open").addEventListener("click", open);
  byId("link-text").addEventListener("input", () => {
    byId("link-what").textContent = describe();
  });
}

async function open() {
  showProblem();
  byId("link-text").value = "";
  byId("link-what").textContent = "";
  const answer = await ask(byId("link"));
  const text = byId("link-text").value;
  // It holds a key: the page does not keep it.
  byId("link-text").value = "";
  if (answer !== "go") return;
  try {
    const link = read(text);
    if (link.method === "PUT") choose(byId("link-file"), ([file]) => guarded(link, () => upload(link, file)));
    else await guarded(link, () => download(link));
  } catch (error) {
    showProblem(await explain(error));
  }
}

async function guarded({ url }, work) {
  try {
    await work();
  } catch (error) {
    const { origin, pathname } = new URL(url);
    showProblem(await explain(error, `${origin}/${pathname.split("/")[1]}`));
  }
}

/** Reads what `s3-ssec presign` prints: `GET url`, then `name: value` lines; or its JSON. */
function read(text) {
  const link = text.trim().startsWith("{") ? readJson(text) : readLines(text);
  const https = URL.canParse(link.url) && new URL(link.url).protocol === "https:";
  const whole = keyHeaderNames().every((name) => link.headers[name]);
  if (!https || !["GET", "PUT"].includes(link.method) || !whole) {
    throw Object.assign(new Error("this is not a whole link with its headers"), {
      todo: "Paste all lines that s3-ssec presign printed: the address alone cannot open the object.",
    });
  }
  return link;
}

function readJson(text) {
  try {
    const { method, url, headers } = JSON.parse(text);
    return { method, url, headers: headers ?? {} };
  } catch {
    return { headers: {} };
  }
}

function readLines(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const [, method, url] = lines[0]?.match(/^(?:(GET|PUT)\s+)?(https:\S+)$/) ?? [];
  const pairs = lines.slice(1).map((line) => line.match(/^([\w-]+):\s*(.*)$/)?.slice(1) ?? ["", ""]);
  const headers = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
  const guessed = headers["if-none-match"] ? "PUT" : "GET";
  return { method: method ?? guessed, url, headers };
}

/** The link's effect and its host, before anything is sent there. */
function describe() {
  try {
    const { method, url } = read(byId("link-text").value);
    const { host, pathname } = new URL(url);
    const last = pathname.split("/").pop();
    return `${method === "PUT" ? "Sends a file to" : "Gets a file from"} ${host}: ${decoded(last)}${until(url)}.`;
  } catch {
    return "";
  }
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function until(url) {
  try {
    return `, until ${new Date(linkExpiresAt(url) * 1000).toLocaleString()}`;
  } catch {
    return "";
  }
}

/** The request of a link: what the link says, and nothing that lets a key stray. */
function requestOf({ method, url, headers }, operation) {
  const safe = { redirect: "error", credentials: "omit", referrerPolicy: "no-referrer" };
  return { operation, sentKey: "target", signed: { method, url, headers, ...safe } };
}

const NO_ECHO = "echo-missing";

/** Compares the echo with the headers of the link. */
function checkEcho({ headers }, answer) {
  const [algorithm, , keyMd5] = keyHeaderNames();
  const same = [algorithm, keyMd5].every((name) => answer.headers.get(name) === headers[name]);
  if (same) return;
  throw Object.assign(new Error("the gateway did not confirm the key of the link"), { code: NO_ECHO });
}

/** The remains that a link cannot look at: its use was not proved. */
const LEFTOVER = {
  unproved: "The file may be stored there in plaintext: ask whoever made the link to look, and to remove it.",
  lost: "Whether the file arrived is unknown, and it may be stored in plaintext: ask whoever made the link to look.",
};

async function download(link) {
  say("Downloading…");
  const sent = requestOf(link, "GetObject");
  const answer = await send(sent, { data: "much" });
  checkEcho(link, answer);
  const name = decodeURIComponent(new URL(link.url).pathname.split("/").pop()) || "object";
  const size = sizeOf(sent, answer);
  const file = await openFile(name, size);
  let received = 0;
  const body = new Body(sent, answer);
  try {
    for (;;) {
      const { buffer, length } = await body.fill((await file.free()) ?? new ArrayBuffer(PIECE));
      if (!length) break;
      received += length;
      await file.write(buffer, length);
    }
    if (received !== size) throw new Unreadable(sent, new Error("the answer has another size than it states"));
    await file.close();
  } catch (error) {
    file.abort(error);
    throw error;
  }
  say(`${name} was downloaded. A link has no digest: its content was not verified.`);
}

async function upload(link, body) {
  say("Uploading…");
  // Before the request: the answer has to be judged whatever happens to the page's server meanwhile.
  await loadDocuments();
  const sent = requestOf(link, "PutObject");
  // Without a type: RGW 20.2.4 refuses a Content-Type that the link did not sign.
  const bytes = body.slice(0, body.size, "");
  try {
    checkEcho(link, await send(sent, { body: bytes, data: "much" }));
  } catch (error) {
    const isRefused = error instanceof Refusal && isRefusal(error.status);
    if (!isRefused) throw Object.assign(error, { leftover: LEFTOVER[error.code === NO_ECHO ? "unproved" : "lost"] });
    if (error.status !== 412) throw error;
    const todo = "Ask for a link to another name.";
    throw Object.assign(new Error("this link was used already"), { todo });
  }
  say(`${body.name} was uploaded, and the gateway confirmed the key of the link.`);
}

// The list of transfers: uploads, downloads, and what broke off, each with its buttons.

import { button, byId, choose, make, problemLines, sizeText } from "./dom.js";
import { explain } from "./diagnose.js";
import { download } from "./download.js";
import { areKept } from "./notes.js";
import { openFile } from "./saving.js";
import { session } from "./session.js";
import { Turns } from "./turns.js";
import { discard, halfDone, lockOf, nameIn, Stopped, upload } from "./upload.js";

/** Transfers at a time; the others wait. */
const turns = new Turns(2);

/** What ends each transfer that runs or waits. */
const stops = new Set();

/** Ends all transfers. Uploads in parts can go on later. */
export function stopAll() {
  for (const stop of stops) stop.abort(new DOMException("disconnected", "AbortError"));
}

addEventListener("beforeunload", (event) => {
  if (stops.size) event.preventDefault();
});

/** A line of the list: its name, its state, its buttons. */
class Line {
  constructor(name) {
    this.name = name;
    this.state = make("span", { role: "status" });
    // What moves is not read out: it changes all the time.
    this.amount = make("span");
    this.bar = make("progress", { max: "1", value: "0", "aria-label": name });
    this.rest = make("div", { class: "buttons" });
    const head = [make("strong", {}, name), " ", this.state, this.amount];
    this.element = make("li", { tabindex: "-1" }, ...head, this.bar, this.rest);
    byId("transfers").prepend(this.element);
  }

  /** `buttons` are pairs of a text and what it does. */
  show(state, text, buttons = []) {
    this.element.dataset.state = state;
    this.state.textContent = text;
    this.amount.textContent = "";
    this.bar.hidden = state !== "running";
    this.element.querySelector(".problem")?.remove();
    const hadFocus = this.rest.contains(document.activeElement);
    const named = ([label, onclick]) => button(label, onclick, { "aria-label": `${label} ${this.name}` });
    this.rest.replaceChildren(...buttons.map(named));
    if (hadFocus) (this.rest.firstElementChild ?? this.element).focus();
  }

  problem(problem, buttons) {
    this.show("failed", "", buttons);
    const box = make("div", { class: "problem", role: "alert" }, ...problemLines(problem));
    this.element.insertBefore(box, this.rest);
  }

  remove() {
    const next = this.element.nextElementSibling?.querySelector("button") ?? byId("upload-files");
    this.element.remove();
    next.focus();
  }

  close = () => ["Close", () => this.remove()];
}

/** Runs `work(signal)` when there is room; `label` is on the button that ends it. */
async function inTurn(line, label, reason, work) {
  const stop = new AbortController();
  const end = [label, () => stop.abort(new DOMException(reason, "AbortError"))];
  stops.add(stop);
  line.show("waiting", "waits");
  try {
    return await turns.take(() => {
      stop.signal.throwIfAborted();
      return work(stop.signal, end);
    });
  } finally {
    stops.delete(stop);
  }
}

/** What moves, in words. */
function meter(line, size, buttons) {
  const start = performance.now();
  let moved = 0;
  line.show("running", "", buttons);
  line.amount.textContent = "begins";
  // It moves without saying how far, until the first part is there: on a slow line that takes minutes.
  line.bar.removeAttribute("value");
  return (bytes) => {
    moved += bytes;
    const seconds = (performance.now() - start) / 1000;
    line.bar.value = size ? moved / size : 1;
    const rate = sizeText(Math.round(moved / seconds));
    line.amount.textContent = `${sizeText(moved)} of ${sizeText(size)}, ${rate}/s`;
  };
}

/** Uploads a file under this name. `after` is called when it is there. */
export function addUpload(file, name, after) {
  const { place, keys } = session;
  const { fingerprint } = keys[0];
  const job = { place, fingerprint, file, name, upload: crypto.randomUUID(), existing: "keep" };
  return runUpload(new Line(name), job, after);
}

async function runUpload(line, job, after) {
  try {
    await inTurn(line, "Pause", "paused", async (signal, pause) => {
      const entry = session.keys.find(({ fingerprint }) => fingerprint === job.fingerprint);
      if (!entry) throw keyIsClosed(job.fingerprint);
      const progress = meter(line, job.file.size, [pause]);
      const stage = (text) => line.show("running", text);
      await upload({ ...job, entry, signal, progress, stage });
    });
    line.show("done", `encrypted and verified, ${sizeText(job.file.size)}`, [line.close()]);
    after();
  } catch (error) {
    await uploadStopped(line, job, after, error);
  }
}

const keyIsClosed = (fingerprint) =>
  new Stopped("no-key", `this upload is under the key ${fingerprint}, which is not open`, "Open its file, then go on.");

/** What can be done with an upload that did not end well. */
async function uploadStopped(line, job, after, error) {
  // Without a journal it starts anew.
  const all = await halfDone(job.place).catch(() => []);
  const known = all.find((other) => other.upload === job.upload);
  const next = { ...job, journal: known?.journal };
  const add = (text, change) => [text, () => runUpload(line, { ...next, ...change }, after)];
  const lost = error.kind === "changed" || error.name === "NotReadableError";
  const again = () => choose(byId("again-input"), ([file]) => runUpload(line, { ...next, file }, after));
  const buttons = [];
  if (error.kind === "exists") buttons.push(add("Replace", { existing: "replace" }));
  else if (lost) buttons.push(["Choose the same file…", again]);
  else buttons.push(add(known ? "Go on" : "Try again", {}));
  buttons.push(known ? discardButton(line, job.place, known) : line.close());
  if (error.name === "AbortError") line.show("paused", `paused. ${error.leftover ?? ""}`.trim(), buttons);
  else line.problem(await explain(error, job.place.address), buttons);
}

function discardButton(line, place, { upload: name, journal }) {
  const work = async () => {
    try {
      await discard(place, name, journal);
      line.remove();
    } catch (error) {
      line.problem(await explain(error, place.address), [discardButton(line, place, { upload: name, journal })]);
    }
  };
  return ["Discard", work];
}

/** Shows the uploads to this place that broke off in an earlier visit. */
export async function showHalfDone(after) {
  const { place } = session;
  if (!(await areKept())) return;
  const found = await halfDone(place);
  const { held } = await navigator.locks.query();
  const runs = new Set(held.map(({ name }) => name));
  for (const { upload: name, journal } of found.filter(({ upload }) => !runs.has(lockOf(upload)))) {
    const line = new Line(nameIn(journal));
    const job = { place, fingerprint: journal.key, name: nameIn(journal), upload: name, journal, existing: "keep" };
    const again = () => choose(byId("again-input"), ([file]) => runUpload(line, { ...job, file }, after));
    const text = `interrupted; ${journal.storedCount} parts of ${journal.source} are at the gateway`;
    const buttons = [["Choose the same file…", again], discardButton(line, place, { upload: name, journal })];
    line.show("half-done", text, buttons);
  }
}

/** Downloads an object to the folder of downloads. */
export async function addDownload(name, plain = "refuse") {
  const line = new Line(name);
  const { place } = session;
  try {
    const outcome = await inTurn(line, "Cancel", "cancelled", (signal, cancel) => {
      line.show("running", "", [cancel]);
      let progress = () => undefined;
      const open = (size) => {
        progress = meter(line, size, [cancel]);
        return openFile(name.split("/").filter(Boolean).pop() ?? "object", size, signal);
      };
      // The keys that are open when its turn comes.
      const { keys } = session;
      return download({ place, keys, name, plain, signal, progress: (bytes) => progress(bytes) }, open);
    });
    line.show("done", outcome, [line.close()]);
  } catch (error) {
    const again = (text, take) => {
      const work = () => {
        line.remove();
        addDownload(name, take);
      };
      return [text, work];
    };
    const first = error.kind === "plain" ? again("Download all the same", "take") : again("Try again", plain);
    line.problem(await explain(error, place.address), [first, line.close()]);
  }
}

// The list of transfers: uploads, downloads, and what broke off, each with its buttons.

import { button, byId, choose, make, problemLines, sizeText } from "./dom.js";
import { explain } from "./diagnose.js";
import { download } from "./download.js";
import { openFile } from "./saving.js";
import { session } from "./session.js";
import { discard, halfDone, nameIn, upload } from "./upload.js";

/** Transfers at a time; the others wait. */
const AT_A_TIME = 2;

let running = 0;
const queue = [];

/** A line of the list: its name, its state, its buttons. */
class Line {
  constructor(name) {
    this.state = make("span", { role: "status" });
    this.bar = make("progress", { max: "1", value: "0", "aria-label": name });
    this.rest = make("div", { class: "buttons" });
    this.element = make("li", {}, make("strong", {}, name), " ", this.state, this.bar, this.rest);
    byId("transfers").prepend(this.element);
  }

  show(state, text, buttons = []) {
    this.element.dataset.state = state;
    this.state.textContent = text;
    this.bar.hidden = state !== "running";
    this.element.querySelector(".problem")?.remove();
    this.rest.replaceChildren(...buttons);
  }

  problem(problem, buttons) {
    this.show("failed", "", buttons);
    this.element.insertBefore(make("div", { class: "problem" }, ...problemLines(problem)), this.rest);
  }

  remove = () => this.element.remove();
}

/** Runs `work` when there is room. */
async function inTurn(line, work) {
  line.show("waiting", "waits");
  if (running >= AT_A_TIME) await new Promise((go) => queue.push(go));
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    queue.shift()?.();
  }
}

/** What moves, in words. */
function meter(line, size, buttons) {
  const start = performance.now();
  let moved = 0;
  line.show("running", "begins", buttons);
  // It moves without saying how far, until the first part is there: on a slow line that takes minutes.
  line.bar.removeAttribute("value");
  return (bytes) => {
    moved += bytes;
    const seconds = (performance.now() - start) / 1000;
    line.bar.value = size ? moved / size : 1;
    line.state.textContent = `${sizeText(moved)} of ${sizeText(size)}, ${sizeText(Math.round(moved / seconds))}/s`;
  };
}

/** Uploads a file under this name. `after` is called when it is there. */
export function addUpload(file, name, after) {
  const { place } = session;
  const job = { place, entry: session.keys[0], file, name, upload: crypto.randomUUID(), existing: "keep" };
  return runUpload(new Line(name), job, after);
}

function runUpload(line, job, after) {
  return inTurn(line, async () => {
    const stop = new AbortController();
    const pause = button("Pause", () => stop.abort(new DOMException("paused", "AbortError")));
    const progress = meter(line, job.file.size, [pause]);
    try {
      await upload({ ...job, signal: stop.signal, progress, stage: (text) => line.show("running", text) });
      line.show("done", `encrypted and verified, ${sizeText(job.file.size)}`, [button("Close", line.remove)]);
      after();
    } catch (error) {
      await uploadStopped(line, job, after, error);
    }
  });
}

/** What can be done with an upload that did not end well. */
async function uploadStopped(line, job, after, error) {
  const known = (await halfDone(job.place)).find((other) => other.upload === job.upload);
  const next = { ...job, journal: known?.journal };
  const buttons = [];
  const add = (text, change) => buttons.push(button(text, () => runUpload(line, { ...next, ...change }, after)));
  if (error.kind === "exists") add("Replace", { existing: "replace" });
  else add(known ? "Go on" : "Try again", {});
  buttons.push(known ? discardButton(line, job.place, known) : button("Close", line.remove));
  if (error.name === "AbortError") line.show("paused", "paused", buttons);
  else line.problem(await explain(error, job.place.address), buttons);
}

function discardButton(line, place, { upload: name, journal }) {
  return button("Discard", async () => {
    try {
      await discard(place, name, journal);
      line.remove();
    } catch (error) {
      line.problem(await explain(error, place.address), [discardButton(line, place, { upload: name, journal })]);
    }
  });
}

/** Shows the uploads to this place that broke off in an earlier visit. */
export async function showHalfDone(after) {
  const { place } = session;
  for (const { upload: name, journal } of await halfDone(place)) {
    const line = new Line(nameIn(journal));
    const stored = Object.keys(journal.stored).length;
    const again = button("Choose the same file…", () =>
      choose(byId("again-input"), ([file]) => goOn(line, { place, name, journal, file }, after)),
    );
    const text = `broke off; ${stored} parts of ${journal.source} are at the gateway`;
    line.show("half-done", text, [again, discardButton(line, place, { upload: name, journal })]);
  }
}

function goOn(line, { place, name, journal, file }, after) {
  const entry = session.keys.find(({ fingerprint }) => fingerprint === journal.key);
  if (!entry) {
    const todo = "Open that key file, then choose the file again.";
    line.problem({ what: `this upload is under the key ${journal.key}`, todo }, [...line.rest.children]);
    return;
  }
  runUpload(line, { place, entry, file, name: nameIn(journal), upload: name, journal, existing: "keep" }, after);
}

/** Downloads an object to the folder of downloads. */
export function addDownload(name, plain = "refuse") {
  const line = new Line(name);
  const { place, keys } = session;
  return inTurn(line, async () => {
    const stop = new AbortController();
    const cancel = button("Cancel", () => stop.abort(new DOMException("cancelled", "AbortError")));
    line.show("running", "begins", [cancel]);
    let progress = () => undefined;
    const open = (size) => {
      progress = meter(line, size, [cancel]);
      return openFile(name.split("/").filter(Boolean).pop() ?? "object", size);
    };
    const job = { place, keys, name, plain, signal: stop.signal, progress: (bytes) => progress(bytes) };
    try {
      line.show("done", outcomes[await download(job, open)], [button("Close", line.remove)]);
    } catch (error) {
      const all = [button("Close", line.remove)];
      const again = (take) => () => {
        line.remove();
        addDownload(name, take);
      };
      if (error.kind === "plain") all.unshift(button("Download all the same", again("take")));
      else all.unshift(button("Try again", again(plain)));
      line.problem(await explain(error, place.address), all);
    }
  });
}

const outcomes = {
  verified: "downloaded and verified",
  "not-verified": "downloaded; the content was not verified: the object has no digest",
  plain: "downloaded; it is not encrypted",
};

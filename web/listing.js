// The section with the files: folders, objects, and what is known of their encryption.

import { button, byId, choose, make, say, showProblem, sizeText } from "./dom.js";
import { explain } from "./diagnose.js";
import { forget, inspect } from "./inspect.js";
import { keyIsKept } from "./keys.js";
import { listing } from "./s3.js";
import { session } from "./session.js";
import { addDownload, addUpload } from "./transfers.js";

/** Objects that are looked at together. */
const LOOKS = 4;

/** The listing that is shown; an older one that is still being looked at stops. */
let shown = 0;
/** Its pages. */
let pages;

/** Wires the section. */
export function wireListing() {
  byId("refresh").addEventListener("click", () => show());
  const more = byId("more");
  more.addEventListener("click", async () => {
    more.disabled = true;
    await show(pages);
    more.disabled = false;
  });
  byId("upload-files").addEventListener("click", () => choose(byId("files-input"), take));
  byId("upload-folder").addEventListener("click", () => choose(byId("folder-input"), take));
  const drop = byId("files");
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    byId("drop").classList.add("over");
  });
  drop.addEventListener("dragleave", () => byId("drop").classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    byId("drop").classList.remove("over");
    try {
      await take(await dropped(event.dataTransfer));
    } catch (error) {
      showProblem(await explain(error));
    }
  });
  // What is dropped beside it would take the place of the page.
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
}

/** Shows a folder from its start, or one more page of a listing. */
export async function show(more) {
  const { place, folder } = session;
  const body = byId("listing").tBodies[0];
  const round = more ? shown : ++shown;
  // A page of the listing before would be mixed into this one.
  if (!more) byId("more").hidden = true;
  try {
    const from = more ?? (await listing(place, folder));
    const page = await from.next();
    if (round !== shown) return;
    const objects = page.objects.filter(({ name }) => name !== folder);
    const looks = objects.map((object) => objectRow(place, object));
    const rows = [...page.folders.map(folderRow), ...looks.map(({ row }) => row)];
    if (more) body.append(...rows);
    else body.replaceChildren(...rows);
    pages = from;
    byId("more").hidden = !page.next;
    byId("empty").hidden = body.rows.length > 0;
    showPath(folder);
    lookAt(looks, round);
  } catch (error) {
    showProblem(await explain(error, place.address));
  }
}

function showPath(folder) {
  const steps = folder.split("/").filter(Boolean);
  const crumb = (text, target) => button(text, () => open(target), { class: "link" });
  const parts = [crumb(session.place.bucket, "")];
  steps.forEach((step, index) => {
    parts.push(" / ", crumb(step, `${steps.slice(0, index + 1).join("/")}/`));
  });
  byId("path").replaceChildren(...parts);
}

function open(folder) {
  session.folder = folder;
  say(`Folder ${folder || session.place.bucket}`);
  return show();
}

function folderRow(folder) {
  const name = `${folder.slice(session.folder.length)}`;
  const cell = make("td", {}, button(name, () => open(folder), { class: "link" }));
  return make("tr", {}, cell, make("td"), make("td", {}, "folder"), make("td"));
}

function objectRow(place, { name, size }) {
  const state = make("td", {}, "…");
  const short = name.slice(session.folder.length);
  const action = button("Download", () => addDownload(name), { "aria-label": `Download ${short}` });
  const cells = [make("td", {}, short), make("td", { class: "number" }, sizeText(size)), state];
  const row = make("tr", { "data-name": name }, ...cells, make("td", {}, action));
  const look = async () => {
    const { state: kind, tone, words } = await stateOf(place, name);
    row.dataset.state = kind;
    state.replaceChildren(make("span", { class: tone }, `${MARKS[tone]} ${words}`));
  };
  return { row, look };
}

/** Signs beside the colours. */
const MARKS = { good: "✓", caution: "!", bad: "✗" };

/** The state of an object, as of `inspect`. */
async function stateOf(place, name) {
  try {
    const found = await inspect(place, session.keys, name);
    forget(found);
    return found;
  } catch (error) {
    return { state: "unknown", tone: "bad", words: `unknown: ${(await explain(error, place.address)).what}` };
  }
}

async function lookAt(looks, round) {
  const waiting = [...looks];
  const one = async () => {
    while (waiting.length && round === shown) await waiting.shift().look();
  };
  await Promise.all(Array.from({ length: LOOKS }, one));
}

/** Uploads files into the folder that is open, each under its path. */
async function take(files) {
  showProblem();
  if (!session.keys.length) {
    showProblem({ what: "no key is open", todo: "Make a key or open a key file first." });
    return;
  }
  if (!(await keyIsKept())) return;
  const { folder } = session;
  await Promise.all(files.map((file) => addUpload(file, folder + (pathOf(file) || file.name), () => show())));
}

const pathOf = (file) => file.path ?? file.webkitRelativePath;

/** The files that were dropped, those in folders with their path. */
async function dropped(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...data.files];
  return (await Promise.all(entries.map(filesIn))).flat();
}

async function filesIn(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [Object.assign(file, { path: entry.fullPath.replace(/^\//, "") })];
  }
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    // A reader gives at most a hundred entries at a time.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return files;
    files.push(...(await Promise.all(some.map(filesIn))).flat());
  }
}

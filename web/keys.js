// The section with the keys: make, save, open, forget.

import * as core from "./core.js";
import { ask, button, byId, choose, make, saveAs, say, sentence, showProblem } from "./dom.js";
import { explain } from "./diagnose.js";
import { addKeys, forgetKeys, onChange, session, writeWith } from "./session.js";

/** Wires the section. */
export function wireKeys() {
  byId("key-make").addEventListener("click", makeKey);
  byId("key-open").addEventListener("click", () => choose(byId("key-file"), openKey));
  byId("key-words").addEventListener("click", () => ask(byId("words")).then(forgetWords));
  // Enter in a field presses the first button of a dialog, which closes when the work is done.
  for (const [name, work] of [["made-save", saveMade], ["words-go", restore]]) {
    byId(name).addEventListener("click", (event) => {
      event.preventDefault();
      work();
    });
  }
  byId("key-forget").addEventListener("click", forgetKeys);
  onChange(show);
  // The reload would lose a key that nobody has on disk.
  addEventListener("beforeunload", (event) => {
    if (session.unsavedKey) event.preventDefault();
  });
}

async function makeKey() {
  showProblem();
  const label = byId("made-label");
  label.value = "my data";
  const answered = ask(byId("made"));
  // Whoever types replaces it.
  label.select();
  await answered;
}

async function saveMade() {
  try {
    const label = byId("made-label").value.trim() || "my data";
    const { bytes, key } = core.makeKey(label);
    const name = `${label.replace(/[^\p{L}\p{N}]+/gu, "-")}-${key.fingerprint.slice(0, 6)}.key`;
    saveAs(name, new Blob([bytes], { type: "text/plain" }));
    bytes.fill(0);
    byId("made").close("saved");
    session.unsavedKey = name;
    addKeys([key]);
    writeWith(key);
    say(
      `The key file ${name} was saved to your downloads. Put a copy in a second place. ` +
        `The command s3-ssec reads it when nobody else can: chmod 600 "${name}".`,
    );
  } catch (error) {
    byId("made").close("");
    showProblem(await explain(error));
  }
}

/** Makes the key file of words again, saves it and opens it. What is wrong is said where they are typed. */
async function restore() {
  const problem = byId("words-problem");
  problem.textContent = "";
  try {
    const [text, kind] = [byId("words-text").value, byId("words-kind").value];
    const bytes = await core.keyFileFromWords(text, kind, byId("words-unconfirmed").checked);
    const file = new Blob([bytes], { type: "text/plain" });
    const entries = together(core.readKeys(bytes));
    const name = `restored-${entries[0].fingerprint.slice(0, 6)}.key`;
    saveAs(name, file);
    byId("words").close("restored");
    addKeys(entries);
    say(`The key ${entries[0].fingerprint} is open, and its file ${name} was saved to your downloads.`);
  } catch (error) {
    problem.textContent = `${sentence(error.message)} ${advice[error.code] ?? "Load the page again."}`;
  }
}

/** The entries of a file, which may be open beside the others: else they are wiped, and it is an error. */
function together(entries) {
  const others = session.keys.filter(({ fingerprint }) => entries.every((entry) => entry.fingerprint !== fingerprint));
  try {
    core.checkTogether([...others, ...entries]);
  } catch (error) {
    for (const { key } of entries) key.free();
    throw Object.assign(error, { todo: advice[error.code] });
  }
  return entries;
}

const advice = {
  keyring: "Forget the keys first, and open one of the two.",
  words: "Compare the words with the paper, one by one.",
  "words-kind": "Type the fingerprint beside the words too, or choose the kind of key.",
  "words-unconfirmed": "Type the fingerprint beside the words too, or tick the box below.",
  argument: "Type 24 words and the fingerprint, nothing else.",
};

/** Whatever was typed, the page does not keep it. */
function forgetWords() {
  byId("words-text").value = byId("words-problem").textContent = "";
  byId("words-unconfirmed").checked = false;
}

/** Bytes of the largest key file that is read. */
const KEY_FILE_MAX = 64 << 10;

async function openKey([file]) {
  showProblem();
  if (file.size > KEY_FILE_MAX) {
    showProblem({ what: `${file.name} is no key file: it is too large`, todo: "Choose the file of a key." });
    return;
  }
  try {
    const entries = together(core.readKeys(new Uint8Array(await file.arrayBuffer())));
    addKeys(entries);
    say(`${file.name} is open.`);
  } catch (error) {
    showProblem(await explain(error));
  }
}

/** Makes sure, once for a key that was made here, that it is kept. True if it is. */
export async function keyIsKept() {
  if (!session.unsavedKey) return true;
  byId("backup-name").textContent = session.unsavedKey;
  byId("backup-tick").checked = false;
  if ((await ask(byId("backup"))) !== "go") return false;
  session.unsavedKey = undefined;
  return true;
}

function show() {
  const { keys } = session;
  byId("key-forget").hidden = !keys.length;
  byId("key-hint").hidden = keys.length > 0;
  byId("key-list").replaceChildren(...keys.map(keyItem));
}

function keyItem(entry, index) {
  const kind = entry.kind === "master" ? "a new key for every file" : "a direct key: the same for every file";
  const item = make("li", {}, make("strong", {}, entry.label || "key"), " ", make("code", {}, entry.fingerprint));
  item.append(` – ${kind}. `, index ? "Reads. " : "Reads and writes. ");
  if (index) item.append(button("Write with this one", () => writeWith(entry), { class: "link" }));
  return item;
}

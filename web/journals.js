// Journals of uploads, which outlive a reload: line by line among the notes of this browser.

import { done, store, written } from "./notes.js";

/** Appends a line to the journal of this upload. Resolves when it is on disk. */
export async function append(upload, line) {
  const lines = await store("lines", "readwrite");
  lines.add({ upload, line });
  await written(lines);
}

/** The text of each journal, by the name of its upload. */
export async function all() {
  const texts = new Map();
  for (const { upload, line } of await done((await store("lines", "readonly")).getAll())) {
    texts.set(upload, (texts.get(upload) ?? "") + line);
  }
  return texts;
}

/** Forgets a journal. */
export async function remove(upload) {
  const lines = await store("lines", "readwrite");
  for (const key of await done(lines.index("upload").getAllKeys(upload))) lines.delete(key);
}

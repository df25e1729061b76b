// Journals of uploads, which outlive a reload: in IndexedDB, line by line. They hold no secret.

const NAME = "s3-ssec-uploads";

let opened;

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("lines", { autoIncrement: true }).createIndex("upload", "upload");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  // Whoever failed may ask again.
  opened.catch(() => (opened = undefined));
  return opened;
}

async function lines(mode) {
  return (await open()).transaction("lines", mode, { durability: "strict" }).objectStore("lines");
}

/** Appends a line to the journal of this upload. Resolves when it is on disk. */
export async function append(upload, line) {
  const store = await lines("readwrite");
  store.add({ upload, line });
  await new Promise((resolve, reject) => {
    store.transaction.oncomplete = resolve;
    store.transaction.onabort = () => reject(store.transaction.error);
  });
}

/** The text of each journal, by the name of its upload. */
export async function all() {
  const texts = new Map();
  for (const { upload, line } of await done((await lines("readonly")).getAll())) {
    texts.set(upload, (texts.get(upload) ?? "") + line);
  }
  return texts;
}

/** Forgets a journal. */
export async function remove(upload) {
  const store = await lines("readwrite");
  for (const key of await done(store.index("upload").getAllKeys(upload))) store.delete(key);
}

// What this browser notes for the page, in IndexedDB: journals of uploads, and marks of nonces. No secret, and
// no hash that shows anything about a content without its key.

const NAME = "s3-ssec-page";

let opened;

/** The result of a request. */
export const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      const lines = request.result.createObjectStore("lines", { autoIncrement: true });
      lines.createIndex("upload", "upload");
      request.result.createObjectStore("nonces");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  // Whoever failed may ask again.
  opened.catch(() => (opened = undefined));
  return opened;
}

/** A store, in a transaction of this mode; what is written is on disk when the transaction completes. */
export async function store(name, mode) {
  return (await open()).transaction(name, mode, { durability: "strict" }).objectStore(name);
}

/** Resolves when what was written in this store's transaction is on disk. */
export const written = ({ transaction }) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });

/** True if this browser keeps notes that all tabs share, and locks around them. */
export async function areKept() {
  if (!globalThis.indexedDB || !navigator.locks) return false;
  return open().then(() => true, () => false);
}

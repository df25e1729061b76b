// What this page knows of a person: keys and a place. In memory only; nothing here is ever stored.

/** Keys that are open, the writing one first; the place that is connected, if any. */
export const session = { keys: [], place: undefined, folder: "", unsavedKey: undefined };

const listeners = new Set();

/** Calls `listener` after every change. */
export const onChange = (listener) => listeners.add(listener);

const changed = () => listeners.forEach((listener) => listener());

/** Adds keys; one that is open already is freed. The first key ever opened writes. */
export function addKeys(entries) {
  for (const entry of entries) {
    const known = session.keys.some(({ fingerprint }) => fingerprint === entry.fingerprint);
    if (known) entry.key.free();
    else session.keys.push(entry);
  }
  changed();
}

/** Makes this key the one that writes. */
export function writeWith(entry) {
  session.keys = [entry, ...session.keys.filter((other) => other !== entry)];
  changed();
}

/** Wipes all keys. */
export function forgetKeys() {
  session.keys.forEach(({ key }) => key.free());
  session.keys = [];
  session.unsavedKey = undefined;
  changed();
}

/** Goes to a place, or leaves it: undefined. */
export function goTo(place) {
  session.place?.leave();
  Object.assign(session, { place, folder: "" });
  changed();
}

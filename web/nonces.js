// Nonces: all tabs of this browser share the greatest one of each slot of names, so that no two writes of a
// name get the same key. The mark is on disk before the request that spends the nonce.

import * as core from "./core.js";
import { done, store, written } from "./notes.js";

const LOCK = "s3-ssec-nonces";

/** Raises the mark of a name to what `raise(mark)` gives, unless that is undefined. */
const change = async (place, name, raise) =>
  navigator.locks.request(LOCK, async () => {
    const slot = core.nonceSlot(place.bucket, name);
    const mark = await done((await store("nonces", "readonly")).get(slot));
    const nonce = raise(mark);
    if (nonce === undefined) return undefined;
    const marks = await store("nonces", "readwrite");
    marks.put(nonce, slot);
    await written(marks);
    return nonce;
  });

/** The nonce of a write of this name that starts now. */
export const draw = (place, name) => change(place, name, (mark) => core.drawNonce(mark));

/** The nonce of a genuine record counts as drawn. Without notes nothing is uploaded that could repeat it. */
export async function seen(place, name, nonce) {
  await core.loadDocuments();
  if (core.nonceAfterReading(nonce) === undefined) return;
  await change(place, name, (mark) => core.nonceAfterReading(nonce, mark)).catch(() => undefined);
}

// Which key opens an object, and is it encrypted at all. A record is a hint until a key opens it, and
// the gateway's echo is the proof.

import * as core from "./core.js";
import { head, headWithoutKey, tags } from "./s3.js";
import { Refusal } from "./transport.js";

/**
 * What an object is, under these keys. `state`:
 * "open" (with `entry`, `customer`, `opened`, `size`, `etag`), "open-unverified" (the same without a
 * record), "other-key" (with `fingerprint`, if known), "broken-off" (its record was never completed),
 * "plain" (not encrypted with a customer key), "absent".
 */
export async function inspect(place, keys, name) {
  const tag = await recordTagOf(place, name);
  const found = tag && (await openedWith(place, keys, name, tag));
  if (found) return found;
  const bare = await headWithoutKey(place, name);
  if (bare.state === "absent") return bare;
  if (bare.state === "readable") return { ...bare, state: "plain" };
  for (const entry of keys) {
    const customer = core.directKey(entry);
    const it = customer && (await headOrWrongKey(place, name, customer));
    if (it) return { state: "open-unverified", entry, customer, ...it };
    customer?.free();
  }
  return { state: "other-key", fingerprint: fingerprintIn(tag) };
}

/** Wipes what `inspect` found out: an opened record holds the key that opened it. */
export function forget({ customer, opened }) {
  customer?.free();
  opened?.free();
}

async function recordTagOf(place, name) {
  try {
    const found = (await tags(place, name)).find(([key]) => key === core.recordTag());
    return found?.[1];
  } catch (error) {
    // Tags that may not be read, or that a gateway does not know, are not a record.
    if (error instanceof Refusal && [403, 404, 501].includes(error.status)) return undefined;
    throw error;
  }
}

async function openedWith(place, keys, name, tag) {
  for (const entry of keys) {
    const opened = openedOrForeign(entry, place, name, tag);
    if (!opened) continue;
    const customer = opened.customerKey();
    const it = await headOrWrongKey(place, name, customer);
    if (!it) {
      forget({ customer, opened });
      return undefined;
    }
    const state = opened.size === undefined ? "broken-off" : "open";
    return { state, entry, customer, opened, ...it };
  }
  return undefined;
}

function openedOrForeign(entry, place, name, tag) {
  try {
    return core.opens(entry, place, name, tag);
  } catch (error) {
    if (error.code === "record-malformed") return undefined;
    throw error;
  }
}

/** HEAD with a key; undefined if the object is not under it. */
async function headOrWrongKey(place, name, customer) {
  try {
    return await head(place, name, customer);
  } catch (error) {
    const refused = error instanceof Refusal && error.status === 400;
    if (refused || core.codeOf(error).startsWith("echo-")) return undefined;
    throw error;
  }
}

function fingerprintIn(tag) {
  try {
    return tag && core.recordOf(tag).fingerprint;
  } catch {
    return undefined;
  }
}

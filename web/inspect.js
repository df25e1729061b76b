// What an object is under the open keys. The package decides; this asks the gateway what it wants to know.

import * as core from "./core.js";
import * as nonces from "./nonces.js";
import { etagOf, firstByte, sizeOf, tags } from "./s3.js";
import { attempt, Refusal } from "./transport.js";

/**
 * Inspects an object. Returns `Inspection.result`: `state`, `tone`, `words`, `isDescribed`,
 * `isDelivered`. With it `entry` and `customer` (the key that opens it), `size` and
 * `etag`, and `judge(size, digest)`.
 */
export async function inspect(place, keys, name) {
  const inspection = core.inspectionOf(place, keys, name);
  try {
    const seen = await answered(inspection, place, name);
    const result = inspection.result();
    if (result.nonce) await nonces.seen(place, name, result.nonce);
    const judge = (size, digest) => inspection.judge(size, digest);
    return { ...result, ...seen, entry: keys[result.keyIndex], customer: inspection.customerKey(), judge, inspection };
  } catch (error) {
    inspection.free();
    throw error;
  }
}

/** Wipes what `inspect` found out: it holds the key that opens the object. */
export function forget({ customer, inspection }) {
  customer?.free();
  inspection?.free();
}

/** Answers all questions; `size` and `etag` of the object. */
async function answered(inspection, place, name) {
  let seen = {};
  // Tags that may not be read are the reason where no other key fits.
  let unreadTags, last;
  const request = (operation, method, more = {}) => place.request(operation, { method, name, ...more });
  const head = async (customer) => {
    const sent = request("HeadObject", "HEAD", { customer });
    const { status, answer, error } = await attempt(sent);
    last = error;
    if (answer) seen = { size: sizeOf(sent, answer), etag: etagOf(answer) };
    inspection.head(status, answer && seen.size, answer?.headers);
  };
  const ask = {
    tags: async () => {
      try {
        const found = await tags(place, name);
        inspection.records(found.filter(([key]) => key === core.recordTag()).map(([, value]) => value));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        last = error;
        if (error.status === 403) unreadTags = error;
        inspection.records([], error.status);
      }
    },
    "first-byte": async () => {
      const said = await firstByte(place, name);
      last = said.error;
      inspection.firstByte(said.status, said.error?.code, said.error?.said);
    },
    "head-without-key": () => head(undefined),
    head: async () => {
      const customer = inspection.customerKey();
      await head(customer).finally(() => customer.free());
    },
  };
  for (let step = inspection.step(); step !== "done"; step = inspection.step()) {
    if (step === "refused") throw [400, 403].includes(last.status) ? (unreadTags ?? last) : last;
    await ask[step]();
  }
  return seen;
}

// Downloads: ranges fetched ahead, hashed off the main thread, handed on in order. The last range is
// held back until the digest is right, so a file that is not what was uploaded never becomes whole.

import * as core from "./core.js";
import { ContentDigest } from "./hashing.js";
import { forget, inspect } from "./inspect.js";
import { getRange } from "./s3.js";
import { Stopped } from "./upload.js";

/** Bytes of one range: two pieces of the digest. */
const SPAN = 8 << 20;
const AHEAD = 3;

/**
 * Downloads an object into what `open(size)` gives, as of `saving.js`. `job` has
 * `place`, `keys`, `name`, `signal`, `progress(bytes)`, and `plain`: "refuse" or "take" what is not
 * encrypted. Returns the verdict in words.
 */
export async function download(job, open) {
  const found = await inspect(job.place, job.keys, job.name);
  try {
    const { state, words, isDelivered } = found;
    if (!isDelivered && !(state === "plain" && job.plain === "take")) {
      await core.loadDocuments();
      const { what, todo } = core.explainInspected(state, words, job.place.bucket, job.name);
      throw new Stopped(state, what, todo);
    }
    return await into(await open(found.size), job, found);
  } finally {
    forget(found);
  }
}

async function into(sink, job, found) {
  try {
    const outcome = await ranges(job, found, sink);
    await sink.close();
    return outcome;
  } catch (error) {
    sink.abort(error);
    throw error;
  }
}

async function ranges({ place, name, signal, progress }, found, sink) {
  const { customer, etag, size, isDescribed, entry } = found;
  const digest = isDescribed ? new ContentDigest(entry) : undefined;
  let verdict;
  const flights = [];
  let next = 0;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const launch = async () => {
    // The sink gives back what it has written.
    const into = (await sink.free()) ?? new ArrayBuffer(Math.min(SPAN, size));
    const offset = next;
    const length = Math.min(SPAN, size - offset);
    next += length;
    const flight = getRange(place, name, { customer, etag, offset, length, signal: either, into });
    // A flight that fails while another is awaited is reported when its turn comes.
    flight.catch(() => undefined);
    flights.push({ offset, length, flight });
  };
  try {
    while (flights.length || next < size) {
      while (flights.length < AHEAD && next < size) await launch();
      const { offset, length, flight } = flights.shift();
      const received = await flight;
      if (!received) throw tampered();
      const buffer = digest ? await digest.bytes(received, offset, length) : received;
      if (offset + length === size) verdict = await verify(digest, found);
      await sink.write(buffer, length);
      progress(length);
    }
    if (size === 0) verdict = await verify(digest, found);
  } finally {
    stop.abort();
    digest?.drop();
  }
  if (!customer) return "downloaded; it is not encrypted";
  return verdict.isVerified ? `downloaded and ${verdict.words}` : `downloaded; ${verdict.words}`;
}

/** The package's verdict on the complete content. */
async function verify(digest, { judge, size }) {
  const content = digest && (await digest.finish());
  try {
    return judge(size, content);
  } catch (error) {
    throw error.code === "damaged" ? tampered() : error;
  }
}

const tampered = () =>
  new Stopped(
    "tampered",
    "this is not what was uploaded: the content was altered",
    "The download was thrown away. Report it to the administrator of the gateway, and restore the object from a copy.",
  );

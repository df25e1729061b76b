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
 * encrypted. Returns "verified", "not-verified" (no record) or "plain".
 */
export async function download(job, open) {
  const found = await inspect(job.place, job.keys, job.name);
  try {
    refuse(found, job);
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

function refuse(found, { place, name, plain }) {
  const stop = (kind, what, todo) => {
    throw new Stopped(kind, what, todo);
  };
  const under = found.fingerprint ? ` (${found.fingerprint})` : "";
  switch (found.state) {
    case "absent":
      return stop("absent", "this object does not exist any more", "Refresh the list.");
    case "other-key":
      return stop(
        "wrong-key",
        `this object is encrypted with another key${under}`,
        "Open the file of that key. If it should be yours, its record is missing: s3-ssec repair finds it.",
      );
    case "broken-off":
      return stop(
        "broken-off",
        "the record of this object was never completed: its content cannot be verified",
        `Repair it: s3-ssec repair s3://${place.bucket}/${name}`,
      );
    case "plain":
      if (plain === "take") return undefined;
      return stop(
        "plain",
        "this object is not encrypted with a customer key",
        "Anybody who may read the bucket can read it. Download it only if you expected that.",
      );
    default:
      return undefined;
  }
}

async function ranges({ place, name, signal, progress }, found, sink) {
  const { customer, etag, size, opened, entry } = found;
  const digest = opened && new ContentDigest(entry);
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
      if (offset + length === size) await verify(digest, opened, size);
      await sink.write(buffer, length);
      progress(length);
    }
    if (size === 0) await verify(digest, opened, size);
  } finally {
    stop.abort();
    digest?.drop();
  }
  if (opened) return "verified";
  return customer ? "not-verified" : "plain";
}

async function verify(digest, opened, size) {
  if (digest && !core.contentMatches(opened, size, await digest.finish())) throw tampered();
}

const tampered = () =>
  new Stopped(
    "tampered",
    "this is not what was uploaded: the content was altered",
    "The download was thrown away. Tell whoever runs the storage, and restore the object from a copy.",
  );

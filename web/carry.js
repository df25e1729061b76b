// Carries the tasks of an order of requests: sends each request once, and brings its answer as it came. Which
// request follows, and what an answer means, the package decides.

import { framed, unreadOr } from "./chunks.js";
import { isRefusal, throwAway } from "./core.js";
import { Refusal, send, Unreadable, wordsOf } from "./transport.js";

/** Tasks at a time. */
const ROOM = 4;
/** Requests that write an object, and have as long as data need. */
const WRITES = ["PutObject", "CompleteMultipartUpload"];
/** Those before the last one of an upload in parts. */
const BEGINS = ["CreateMultipartUpload", "UploadPart"];
/** Verdicts that `carry` returns. */
const RETURNED = ["proved", "stored", "exists", "overwritten", "unrecorded", "other-content", "upload-gone"];
/** What a gateway says of a body that is not what was signed. */
const OTHER_BODY = ["SignatureDoesNotMatch", "XAmzContentSHA256Mismatch"];

/** Sends a request with a blob, in chunks of these SHA-256s. Throws a NotReadableError if the file changed. */
export async function sendFile(place, operation, spec, { body, sha256s, signal }) {
  const sent = place.request(operation, { ...spec, length: body.size, sha256s });
  const chunked = body.size ? framed(body, sent.signed.frames) : body;
  try {
    return await send(sent, { body: chunked, signal, data: "much" });
  } catch (error) {
    throw await changedOr(error, place, body);
  }
}

/** That the file changed while it was sent, if that is what is behind an error; else the error. */
async function changedOr(error, place, body) {
  const refused = place.believed && error instanceof Refusal && OTHER_BODY.includes(error.code);
  const changed = () => new DOMException("the file changed while it was sent", "NotReadableError");
  if (refused) return Object.assign(changed(), { refusal: error });
  return error instanceof Unreadable ? unreadOr(body, error) : error;
}

/**
 * Carries an order (a `Transfer`) to its end. `job` has the `place`; of an upload `customer`, or `draw()` that gives
 * it and its `facts`, and `body`, `sha256s` and `type`, or what `Parts` of `parts.js` has; perhaps `signal`, and
 * `isForgotten` where no one needs the record again. Returns a verdict of `RETURNED`. Throws what is behind any other;
 * what is left then is in the error:
 * `leftover`, in words.
 */
export async function carry(transfer, job) {
  const carrier = new Carrier(job);
  const out = new Set();
  try {
    for (;;) {
      if (carrier.stopped) transfer.cancel();
      for (const task of JSON.parse(transfer.next(ROOM))) {
        const done = carrier.carry(task).then((outcome) => {
          out.delete(done);
          transfer.done(task.id, JSON.stringify(outcome));
        });
        out.add(done);
      }
      const verdict = transfer.verdict();
      if (verdict) return carrier.ended(JSON.parse(verdict));
      await Promise.race(out);
    }
  } finally {
    transfer.free();
    carrier.scratch?.free();
  }
}

class Carrier {
  constructor(job) {
    Object.assign(this, { job, customer: job.customer, failures: [] });
  }

  /** Why the order is cancelled, if it is. */
  get stopped() {
    return this.changed ?? (this.job.signal?.aborted ? this.job.signal.reason : undefined);
  }

  /** The outcome of a task. */
  async carry(task) {
    try {
      return await (TASKS[task.task]?.(this, task) ?? { outcome: "failed" });
    } catch (error) {
      this.failures.push({ error });
      return { outcome: "failed" };
    }
  }

  /** A task that is out when the order is cancelled is given up; those that follow are not. */
  async call({ operation, isKeyed, isScratch, isRead, isTyped, number, body: span, content, ...spec }) {
    const { place, type } = this.job;
    const signal = this.stopped ? undefined : this.job.signal;
    if (isKeyed) spec.customer = isScratch ? this.scratch : this.customer;
    if (isTyped) spec.headers["content-type"] = type;
    try {
      if (content !== undefined) {
        return answered(await sendFile(place, operation, spec, { ...(await small(content)), signal }), "");
      }
      if (span) {
        const part = number ? await this.job.part(number, span) : this.job;
        if (!part) return { outcome: "other-content" };
        const { body, sha256s } = part;
        const sending = () => sendFile(place, operation, spec, { body, sha256s, signal });
        return answered(await (number ? this.job.turn(sending) : sending()), "");
      }
      const sent = place.request(operation, spec);
      const data = WRITES.includes(operation) ? "much" : "small";
      const answer = await send(sent, { body: spec.document, signal, data });
      if (isRead) return answered(answer, await wordsOf(sent, answer));
      answer.body?.cancel().catch(() => undefined);
      return answered(answer, "");
    } catch (error) {
      return this.unanswered(operation, error, signal);
    }
  }

  /** The outcome of a request that failed. */
  unanswered(operation, error, signal) {
    const refusal = error instanceof Refusal ? error : error.refusal;
    this.failures.push({ error, operation, status: refusal?.status, text: refusal?.text });
    if (error.name === "NotReadableError") this.changed = error;
    if (refusal) return answered(refusal, refusal.text);
    if (signal?.aborted) return { outcome: "abandoned" };
    return { outcome: error.cause?.name === "TimeoutError" ? "silent" : "no-answer" };
  }

  /** What became of the order: see `carry`. */
  ended(verdict) {
    const { end, status, body, code, what, words } = verdict;
    if (RETURNED.includes(end)) return verdict;
    const last = (is) => this.failures.findLast(is)?.error;
    const errors = {
      refused: () => last((failure) => failure.status === status && failure.text === body),
      "not-proved": () => this.changed ?? Object.assign(new Error(what), { code }),
      // A refusal is an answer.
      unanswered: () => this.changed ?? last((one) => isOpen(one) && isWrite(one)) ?? last(isOpen) ?? last(() => true),
      stopped: () => this.stopped,
      "no-nonce": () => last(() => true),
      "source-failed": () => this.changed ?? last(() => true),
    };
    const error = errors[end]() ?? this.unread();
    throw words ? Object.assign(error, { leftover: words }) : error;
  }

  /** The error where all requests were answered, and the answers say nothing. */
  unread() {
    const { place } = this.job;
    const sent = { operation: "PutObject", signed: { url: place.address }, place };
    return new Unreadable(sent, new Error("the answer is not one to an upload"));
  }
}

const isOpen = ({ status }) => !status || !isRefusal(status);
const isWrite = ({ operation }) => WRITES.includes(operation) || BEGINS.includes(operation);

const answered = ({ status, headers }, body) => ({ outcome: "answer", status, headers: [...headers], body });

/** A small content, to be sent as a file is. */
export async function small(content) {
  const body = new Blob([content]);
  return { body, sha256s: new Uint8Array(await crypto.subtle.digest("SHA-256", await body.arrayBuffer())) };
}

const TASKS = {
  call: (carrier, task) => carrier.call(task),
  "draw-key": async (carrier) => {
    const { customer, facts } = await carrier.job.draw();
    carrier.customer = customer;
    return { outcome: "key", ...facts };
  },
  hash: async ({ job }, { number, body }) => ({ outcome: (await job.hash(number, body)) ? "hashed" : "other-content" }),
  compare: ({ job }, { listed }) => ({ outcome: "agreed", numbers: job.agreed(listed) }),
  describe: async ({ job }) => ({ outcome: "described", record: await job.describe() }),
  journal: async ({ job }, step) => {
    await job.note(step);
    return { outcome: "noted" };
  },
  "open-scratch": async (carrier, { bucket, name }) => {
    const { customer, facts } = throwAway({ bucket }, name);
    carrier.scratch?.free();
    carrier.scratch = customer;
    return { outcome: "scratch", bucket, name, md5: facts.md5 };
  },
  // Nothing was noted.
  "close-scratch": async () => ({ outcome: "noted" }),
  // The page keeps no ledger: the package looks at the tag itself.
  note: ({ job }) => ({ outcome: job.isForgotten ? "noted" : "failed" }),
  sleep: async (carrier, { ms }) => {
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
      if (!carrier.stopped) carrier.job.signal?.addEventListener("abort", resolve);
    });
    return { outcome: "slept" };
  },
};

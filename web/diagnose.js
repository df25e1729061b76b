// Errors in words: what happened, what to do. Where a browser tells a page nothing, finds out.

import { codeOf, explainRefusal, linkExpiresAt, loadDocuments } from "./core.js";
import { look, Refusal, Unreadable } from "./transport.js";

/** How the reason begins where an answer was read and is wrong. */
const WRONG = "the answer";

/**
 * The problem behind an error: `what`, `todo`, perhaps `command`. What a write left is said first, in the place of
 * `again`: that it may be tried again.
 */
export async function explain(error, address) {
  const { again, todo, ...problem } = await problemOf(error, address);
  return { ...problem, todo: [error.leftover ?? again, todo].filter(Boolean).join(" ") };
}

async function problemOf(error, address) {
  if (error instanceof Refusal) {
    const { operation, status, code, said, sentKey } = error;
    await loadDocuments();
    const { what, todo } = explainRefusal(operation, status, code, said, sentKey);
    const problem = { what: `${what} (${operation}: ${status}${code ? ` ${code}` : ""})` };
    return status < 500 ? { ...problem, todo } : { ...problem, again: todo };
  }
  if (error instanceof Unreadable) return silence(error, address);
  if (error.todo) return { what: error.message, todo: error.todo };
  const code = codeOf(error);
  if (code.startsWith("echo-")) return notProved(error);
  if (error.name === "NotReadableError") {
    return { what: "the file cannot be read any more", todo: "It was changed or moved. Choose it again." };
  }
  if (error.name === "AbortError") return { what: "stopped", again: "Start it again when you like." };
  return { what: error.message, todo: code ? "Correct it and try again." : "Reload the page and try again." };
}

const notProved = ({ message }) => ({
  what: `not proved to be encrypted: ${message}`,
  todo: "Show this to the administrator of the gateway.",
});

/**
 * "No CORS", an expired link and a wrong signature are the same silence to a page. Expiry stands in the
 * address; the rest one question without credentials tells apart.
 */
async function silence({ url, cause, believed }, address) {
  const expires = linkExpiresAt(url);
  if (expires !== undefined && expires <= Date.now() / 1000) {
    const since = new Date(expires * 1000).toLocaleString();
    return { what: `this link expired on ${since}`, todo: "Ask for a new one." };
  }
  const { origin, pathname } = new URL(url);
  const bucket = pathname.split("/")[1];
  if (cause?.message?.startsWith(WRONG) || codeOf(cause ?? {})) {
    const todo = "If it stays so, show this to the administrator of the gateway.";
    return { what: `the gateway ${origin} cannot be believed: ${cause.message}`, again: "Try again.", todo };
  }
  if (cause?.name === "TimeoutError") {
    return { what: `the gateway ${origin} does not answer`, again: "Try again later." };
  }
  const seen = await look(address ?? `${origin}/${bucket}`);
  if (seen === "silent") return unreachable(origin);
  if (seen === "closed") return noCors(bucket);
  if (expires !== undefined) {
    return {
      what: "the gateway does not accept this link",
      todo: "Copy the address and all header lines again, whole; or the headers are of another key.",
    };
  }
  if (believed) {
    return {
      what: "the connection to the gateway broke, or it refused and did not let the page read why",
      again: "Try again.",
      todo: "If it stays so, look at the policy of the bucket.",
    };
  }
  return {
    what: "the gateway does not know these credentials",
    todo: "Check access key ID and secret access key, and the clock of this computer.",
  };
}

function unreachable(origin) {
  return {
    what: `the gateway ${origin} cannot be reached`,
    todo: `Check the address and the network. If its certificate is your own, open ${origin} in a tab once and accept it.`,
  };
}

function noCors(bucket) {
  return {
    what: `the bucket ${bucket} does not let this page in (no CORS rule), or there is no such bucket`,
    todo: "Ask the bucket's owner to run this once",
    command: `s3-ssec cors apply s3://${bucket} --origin ${location.origin}`,
  };
}

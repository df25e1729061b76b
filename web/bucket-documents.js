// Documents of the bucket: its policy and its CORS rules, as they stand and as they are to be.

import { lookWithoutKey, remove, tryUpload } from "./s3.js";
import { all, Refusal, send, sendForXml, textOf, wordsOf } from "./transport.js";
import { Stopped } from "./upload.js";

/** The policy as text; undefined if there is none. */
export async function policy(place) {
  const sent = place.request("GetBucketPolicy", { method: "GET", parameters: { policy: "" } });
  try {
    return await wordsOf(sent, await send(sent));
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return undefined;
    throw error;
  }
}

/** Sets the policy; undefined removes it. RGW does it, and leaves the CORS headers out of its answer. */
async function putPolicy(place, text) {
  const parameters = { policy: "" };
  if (text === undefined) {
    await send(place.request("DeleteBucketPolicy", { method: "DELETE", parameters }));
  } else {
    const sent = place.request("PutBucketPolicy", { method: "PUT", parameters, document: text });
    await send(sent, { body: text });
  }
}

/** Takes the steps of a change of the policy, in the order of the package. Its end: `what`, or an error. */
export async function changePolicy(place, change) {
  const written = new Map();
  let failure;
  try {
    for (;;) {
      const step = change.step();
      if (step.kind === "end") {
        if (step.good) return step.what;
        throw step.failed ? failure : new Stopped("policy", step.what, step.todo);
      }
      try {
        await take(place, change, step, written);
      } catch (error) {
        failure ??= error;
        change.failed();
      }
    }
  } finally {
    change.free();
  }
}

async function take(place, change, { kind, document, attempt, name, names, seconds }, written) {
  if (kind === "read") return change.read(await policy(place));
  if (kind === "try") {
    const { passed, version } = await tryUpload(place, name, attempt);
    if (passed) written.set(name, [...(written.get(name) ?? []), version]);
    return change.tried(passed);
  }
  if (kind === "write") await putPolicy(place, document);
  if (kind === "wait") await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  if (kind === "clear") await Promise.all(names.map((one) => clear(place, one, written.get(one))));
  return change.done();
}

/** Removes what was written, or what another visit may have left. */
async function clear(place, name, versions) {
  const absent = !versions && (await lookWithoutKey(place, name)) === "absent";
  for (const version of absent ? [] : (versions ?? [undefined])) await remove(place, name, version);
}

/** The CORS rules, in the order in which the gateway tries them. */
export async function corsRules(place) {
  const sent = place.request("GetBucketCors", { method: "GET", parameters: { cors: "" } });
  let xml;
  try {
    xml = await sendForXml(sent, "CORSConfiguration");
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return [];
    throw error;
  }
  return all(xml, "CORSRule").map(corsRule);
}

function corsRule(node) {
  const texts = (name) => all(node, name).map((element) => element.textContent);
  const age = textOf(node, "MaxAgeSeconds");
  return {
    id: textOf(node, "ID"),
    origins: texts("AllowedOrigin"),
    methods: texts("AllowedMethod"),
    headers: texts("AllowedHeader"),
    exposed: texts("ExposeHeader"),
    maxAge: age === undefined ? undefined : Number(age),
  };
}

/** Sets the CORS rules: a document of `applyCors`. */
export async function putCors(place, document) {
  const parameters = { cors: "" };
  await send(place.request("PutBucketCors", { method: "PUT", parameters, document }), { body: document });
}

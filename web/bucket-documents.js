// Documents of the bucket: its policy and its CORS rules, as they stand and as they are to be.

import { all, Refusal, send, sendForXml, textOf, Unreadable } from "./transport.js";

/** The policy as text; undefined if there is none. */
export async function policy(place) {
  const sent = place.request("GetBucketPolicy", { method: "GET", parameters: { policy: "" } });
  try {
    return await (await send(sent)).text();
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return undefined;
    throw error;
  }
}

/** Sets the policy; undefined removes it. */
export async function putPolicy(place, text) {
  const parameters = { policy: "" };
  try {
    if (text === undefined) {
      await send(place.request("DeleteBucketPolicy", { method: "DELETE", parameters }));
    } else {
      const sent = place.request("PutBucketPolicy", { method: "PUT", parameters, document: text });
      await send(sent, { body: text });
    }
  } catch (error) {
    // RGW does it, and leaves the CORS headers out of its answer: what stands now tells.
    if (!(error instanceof Unreadable) || !same(await policy(place), text)) throw error;
  }
}

function same(found, wanted) {
  const plain = (text) => text && JSON.stringify(JSON.parse(text));
  return plain(found) === plain(wanted);
}

/** The CORS rules, in the order in which the gateway tries them. */
export async function corsRules(place) {
  const sent = place.request("GetBucketCors", { method: "GET", parameters: { cors: "" } });
  let xml;
  try {
    xml = await sendForXml(sent);
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

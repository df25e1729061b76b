// The section with the rules of the bucket: its policy, tried live, and its CORS rules.

import { changePolicy, corsRules, policy, putCors } from "./bucket-documents.js";
import * as core from "./core.js";
import { explain } from "./diagnose.js";
import { byId, make, say, sentence, showProblem } from "./dom.js";
import { session } from "./session.js";
import { Unreadable } from "./transport.js";

/** Wires the section. */
export function wireRules() {
  for (const button of document.querySelectorAll("#policy button[data-rule]")) {
    const change = () => core.PolicyChange.apply(session.place.bucket, button.dataset.rule);
    button.addEventListener("click", () => guarded(() => changeRules(change())));
  }
  const remove = () => core.PolicyChange.remove(session.place.bucket);
  byId("policy-remove").addEventListener("click", () => guarded(() => changeRules(remove())));
  byId("cors-form").addEventListener("submit", (event) => {
    event.preventDefault();
    guarded(() => applyCors(new FormData(event.target).get("origin")));
  });
}

async function guarded(work) {
  const { place } = session;
  showProblem();
  try {
    await work();
  } catch (error) {
    showProblem(await explain(error, place.address));
  }
}

/** Reads the rules anew. */
export const showRules = () =>
  guarded(async () => {
    await core.loadDocuments();
    await Promise.all([showPolicy(), showCors()]);
  });

async function showPolicy() {
  const text = await policy(session.place);
  const now = byId("policy-now");
  if (text === undefined) {
    now.replaceChildren(make("p", {}, "There is no policy: the bucket takes uploads without a customer key."));
    return;
  }
  const notes = core.explainPolicy(text).map((note) => make("li", { class: "bad" }, `! ${note}`));
  const pretty = JSON.stringify(JSON.parse(text), undefined, 2);
  now.replaceChildren(make("pre", { tabindex: "0" }, pretty), make("ul", {}, ...notes));
}

/** Puts a rule in or takes rules out. What may be said of it, the package says. */
async function changeRules(change) {
  try {
    say(sentence(await changePolicy(session.place, change)));
  } finally {
    await showPolicy();
  }
}

async function showCors() {
  const rules = await rulesOrUnreadable();
  byId("cors-form").hidden = !rules;
  if (!rules) return;
  const items = rules.map(({ origins, methods }) => {
    const [admits, lacks] = ["works with customer keys", "does not work with customer keys"];
    const good = origins.every((origin) => core.admitsOrigin(rules, origin.replace("*", "any")));
    return make("li", {}, make("code", {}, origins.join(" ")), ` ${methods.join(", ")} – `, good ? admits : lacks);
  });
  byId("cors-now").replaceChildren(make("ul", {}, ...items));
}

/** The CORS rules; undefined, with the command that helps, where a page cannot read them. */
async function rulesOrUnreadable() {
  const { place } = session;
  try {
    return await corsRules(place);
  } catch (error) {
    // RGW (16.2, 18.2 and 20.2 measured) leaves the CORS headers out of this answer alone, and rules
    // that cannot be read must not be overwritten.
    if (!(error instanceof Unreadable)) throw error;
    const what = "This gateway does not show its CORS rules to pages. The command does:";
    const bucket = `s3://${place.bucket}`;
    const lines = [`s3-ssec cors show ${bucket}`, `s3-ssec cors apply ${bucket} --origin https://data.example.org`];
    byId("cors-now").replaceChildren(make("p", {}, what), make("pre", { tabindex: "0" }, lines.join("\n")));
    return undefined;
  }
}

async function applyCors(origin) {
  const { place } = session;
  await putCors(place, core.applyCors(await corsRules(place), origin));
  await showCors();
  say(`Pages of ${origin} may use this bucket.`);
}

// Starts the page: loads the core, wires the sections, connects.

import * as core from "./core.js";
import { explain } from "./diagnose.js";
import { byId, say, showProblem } from "./dom.js";
import { wireKeys } from "./keys.js";
import { wireLink } from "./link.js";
import { show, wireListing } from "./listing.js";
import { showRules, wireRules } from "./rules.js";
import { listing } from "./s3.js";
import { prepare } from "./saving.js";
import { goTo, onChange, session } from "./session.js";
import { showHalfDone, stopAll } from "./transfers.js";

async function start() {
  performance.mark("begun");
  await core.load();
  wireKeys();
  wireListing();
  wireRules();
  wireLink();
  byId("place").addEventListener("submit", (event) => {
    event.preventDefault();
    connect(event.target);
  });
  byId("place-leave").addEventListener("click", () => {
    stopAll();
    goTo(undefined);
  });
  onChange(showPlace);
  performance.mark("usable");
  document.documentElement.dataset.ready = "yes";
  await prepare();
  // So that it is there when the network is not. Whoever needs it asks again.
  core.loadDocuments().catch(() => {});
  document.documentElement.dataset.ready = "all";
}

async function connect(form) {
  showProblem();
  say("Connecting…");
  const submit = form.querySelector("[type=submit]");
  submit.disabled = true;
  let place;
  try {
    place = new core.Place(Object.fromEntries(new FormData(form)));
    await (await listing(place, "")).next();
    goTo(place);
    say(`Connected to ${place.bucket}.`);
    await Promise.all([show(), showRules(), showHalfDone(() => show())]);
  } catch (error) {
    say("");
    showProblem(await explain(error, place?.address));
    // One that is shown is used on: what failed was something about it.
    if (place !== session.place) place?.leave();
  } finally {
    submit.disabled = false;
  }
}

/** The place that is shown; the listing is looked at anew when other keys are open. */
let before = { place: undefined, keys: 0 };

function showPlace() {
  const { place, keys } = session;
  byId("place").hidden = Boolean(place);
  byId("place-now").hidden = byId("place-leave").hidden = !place;
  byId("files").hidden = byId("rules").hidden = !place;
  byId("place-now").textContent = place ? `${place.bucket} at ${place.endpoint}` : "";
  if (place !== before.place) {
    // The credentials leave the form as soon as the place holds them.
    byId("place").elements.secret.value = byId("place").elements.token.value = "";
    byId("transfers").replaceChildren();
  } else if (place && keys.length !== before.keys) {
    show();
  }
  before = { place, keys: keys.length };
}

start().catch((error) => {
  showProblem({ what: error.message, todo: "Reload the page. It needs a browser of the last two years." });
});

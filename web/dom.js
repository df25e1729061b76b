// Small helpers for the document. Texts are set as texts: nothing here reads markup.

/** The element with this ID. */
export const byId = (id) => document.getElementById(id);

/** Makes an element: attributes and listeners (`onclick`) from `attributes`, then its children. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** A button that does one thing. */
export const button = (text, onclick, attributes = {}) =>
  make("button", { type: "button", onclick, ...attributes }, text);

/** Says what happens, for eyes and screen readers. */
export function say(text) {
  byId("status").textContent = text;
}

/** Shows a problem: what happened, what to do, and perhaps lines to copy. Undefined hides it. */
export function showProblem(problem) {
  const box = byId("problem");
  box.hidden = !problem;
  box.replaceChildren(...(problem ? problemLines(problem) : []));
  if (problem) box.focus();
}

/** The lines of a problem, for any box. */
export function problemLines({ what, todo, command }) {
  const lines = [make("p", {}, make("strong", {}, sentence(what))), make("p", {}, sentence(todo))];
  if (command) lines.push(make("pre", { tabindex: "0" }, command), copyButton(command));
  return lines;
}

function copyButton(text) {
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  };
  return button("Copy", copy);
}

/** Upper case in front and a full stop behind. */
export function sentence(text) {
  const stop = /[.:?!]$/.test(text) ? "" : ".";
  return text.charAt(0).toUpperCase() + text.slice(1) + stop;
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** A size for people. */
export function sizeText(bytes) {
  const step = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${step ? (bytes / 1024 ** step).toFixed(1) : bytes} ${UNITS[step]}`;
}

/** Opens a dialog; the value of the button that closed it, "" for Escape. */
export function ask(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** Lets the person choose files. Nothing is resolved if nothing is chosen. */
export function choose(input, take) {
  input.onchange = () => {
    const files = [...input.files];
    input.value = "";
    if (files.length) take(files);
  };
  input.click();
}

/** Hands bytes to the person as a file. */
export function saveAs(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name });
  link.click();
  // The browser has taken the address by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

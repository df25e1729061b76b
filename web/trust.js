// The one Trusted Types policy: which texts may become markup or code on this page.

const CODE = ["digest-worker.js", "sw.js"];

const policy = globalThis.trustedTypes?.createPolicy("s3-ssec", {
  // Answers of the gateway, for DOMParser as XML: they are read, never shown as markup.
  createHTML: (text) => text,
  createScriptURL: (name) => {
    if (!CODE.includes(name)) throw new TypeError(`${name} is no code of this page`);
    return new URL(name, import.meta.url).href;
  },
});

/** The text of an answer, for `DOMParser` with the type of XML. */
export const xmlText = (text) => policy?.createHTML(text) ?? text;

/** The address of a worker of this page. */
export const codeUrl = (name) => policy?.createScriptURL(name) ?? new URL(name, import.meta.url).href;

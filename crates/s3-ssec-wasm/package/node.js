// Node: the module is read from disk and ready at once; `init()` is not needed.
import { readFileSync } from "node:fs";
import { initSync } from "./MODULE.js";

const ready = initSync({ module: readFileSync(new URL("./MODULE_bg.wasm", import.meta.url)) });

export * from "./MODULE.js";
export default async function init() {
  return ready;
}

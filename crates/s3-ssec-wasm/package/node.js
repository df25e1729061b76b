// Node: the module is read from disk and ready at once; `init()` is not needed.
import { readFileSync } from "node:fs";
import { initSync } from "./s3_ssec.js";

const ready = initSync({ module: readFileSync(new URL("./s3_ssec_bg.wasm", import.meta.url)) });

export * from "./s3_ssec.js";
export default async function init() {
  return ready;
}

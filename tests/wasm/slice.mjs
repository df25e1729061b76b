// The JavaScript package against a gateway: a key, headers for fetch, a proved PUT, a verified GET,
// and each way in which it must not work.
//
// Usage: node slice.mjs, with S3_SSEC_PACKAGE, S3_SSEC_BUCKET, S3_SSEC_SILENT (endpoint of a gateway
// whose answers have no echo), S3_SSEC_PYTHON and S3_SSEC_PEER (who signs) in the environment.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";

const { S3_SSEC_PACKAGE, S3_SSEC_BUCKET, S3_SSEC_SILENT, S3_SSEC_PYTHON, S3_SSEC_PEER } = process.env;
const load = (file) => import(pathToFileURL(`${S3_SSEC_PACKAGE}/${file}`));
const ssec = await load("node-s3_ssec.js");
const { ContentHasher } = await load("node-digest.js");
const KEY_MD5 = "x-amz-server-side-encryption-customer-key-md5";

/** A URL for these headers. The key is in what is signed, never in the URL. */
function presign(direction, objectKey, headers, endpoint) {
  const url = execFileSync(S3_SSEC_PYTHON, [S3_SSEC_PEER, "presign", direction, S3_SSEC_BUCKET, objectKey], {
    input: JSON.stringify(Object.fromEntries(headers)),
    env: { ...process.env, ...(endpoint && { AWS_ENDPOINT_URL_S3: endpoint }) },
    encoding: "utf8",
  }).trim();
  assert(!decodeURIComponent(url).includes(headers.get("x-amz-server-side-encryption-customer-key")));
  return url;
}

function bytes(length, seed) {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed + (index >> 8)) & 0xff);
}

function code(run) {
  try {
    run();
  } catch (error) {
    assert(error instanceof Error);
    return error.code;
  }
  return "nothing was thrown";
}

const master = ssec.Key.fromBytes("master", crypto.getRandomValues(new Uint8Array(32)));
const other = ssec.Key.generateMaster();

async function put(key, objectKey, content, endpoint) {
  const seal = new ssec.ObjectSeal(key, S3_SSEC_BUCKET, objectKey, Date.now() / 1000);
  const hasher = new ContentHasher(key.contentKey());
  hasher.update(content);
  const tag = seal.completeTag(hasher.size, hasher.finish());
  const headers = seal.headers();
  headers.set("x-amz-tagging", `${ssec.recordTagKey()}=${tag}`);
  const url = presign("put", objectKey, headers, endpoint);
  const answer = await fetch(url, { method: "PUT", headers, body: content, redirect: "error" });
  return { seal, tag, answer, text: await answer.text() };
}

async function get(customerKey, objectKey) {
  const headers = customerKey.headers();
  return fetch(presign("get", objectKey, headers), { headers, redirect: "error" });
}

for (const [objectKey, size] of [["small", 100], ["größer/a b+c", 5_000_000], ["empty", 0]]) {
  const content = bytes(size, 7);
  const { seal, tag, answer, text } = await put(master, objectKey, content);
  assert.equal(answer.status, 200, text);
  ssec.verifyEcho(seal, answer.headers);

  const opened = ssec.openRecord(master, S3_SSEC_BUCKET, objectKey, tag);
  const read = await get(opened.customerKey(), objectKey);
  assert.equal(read.status, 200);
  opened.customerKey().verifyEcho(read.headers);
  const received = new Uint8Array(await read.arrayBuffer());
  assert.deepEqual(received, content);
  const hasher = new ContentHasher(master.contentKey());
  hasher.update(received);
  const digest = hasher.finish();
  assert(opened.contentMatches(size, digest));
  assert(!opened.contentMatches(size + 1, digest));

  // The wrong key: no record opens, and no gateway answers.
  assert.equal(code(() => ssec.openRecord(other, S3_SSEC_BUCKET, objectKey, tag)), "record-foreign");
  assert.equal(code(() => ssec.openRecord(master, S3_SSEC_BUCKET, "renamed", tag)), "record-foreign");
  const wrong = new ssec.ObjectSeal(other, S3_SSEC_BUCKET, objectKey, Date.now() / 1000);
  const refused = await get(wrong.customerKey(), objectKey);
  assert.equal(refused.status, 400, await refused.text());
  assert.equal(code(() => ssec.verifyEcho(wrong, answer.headers)), "echo-other-key");
}

// A gateway that does not say what it did is not believed.
const silent = await put(master, "small", bytes(100, 7), S3_SSEC_SILENT);
assert.equal(silent.answer.status, 200, silent.text);
assert.equal(silent.answer.headers.get(KEY_MD5), null);
assert.equal(code(() => ssec.verifyEcho(silent.seal, silent.answer.headers)), "echo-missing");

// A direct key is sent as it is, a master key never.
const raw = bytes(32, 1);
const direct = ssec.Key.fromBytes("direct", raw);
assert.equal(direct.directHeaders().get("x-amz-server-side-encryption-customer-key"), Buffer.from(raw).toString("base64"));
assert.equal(code(() => master.directHeaders()), "argument");
assert.equal(code(() => ssec.Key.fromBytes("direct", bytes(31, 1))), "key-length");

console.log("done");

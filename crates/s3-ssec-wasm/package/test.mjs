// What a user of the package sees: run in an empty project into which the package was installed.
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import * as keys from "s3-ssec";
import * as digest from "s3-ssec/digest";
import * as documents from "s3-ssec/documents";
import * as words from "s3-ssec/words";

// Each has a memory of its own.
const memories = await Promise.all([keys, digest, documents, words].map((module) => module.default()));
const ssec = { ...keys, ...digest, ...documents, ...words };
const NOW = 1_700_000_000;
const refused = (code, action) => assert.throws(action, (error) => error.code === code);
const bytes = (length, first) => Uint8Array.from({ length }, (_, index) => (index * 7 + first) & 255);
const text = (value) => new TextEncoder().encode(value);

// Signature Version 4 once more, by the book, for `host` and every header given.
function signature(signed, secret) {
  const url = new URL(signed.url);
  const headers = { ...signed.headers, host: url.host };
  delete headers.authorization;
  const names = Object.keys(headers).sort();
  const query = url.search.slice(1).split("&").filter(Boolean).sort().join("&");
  const canonical = [
    signed.method,
    url.pathname,
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    "",
    names.join(";"),
    headers["x-amz-content-sha256"],
  ].join("\n");
  const time = headers["x-amz-date"];
  const steps = [time.slice(0, 8), "us-east-1", "s3", "aws4_request"];
  const hmac = (key, value) => createHmac("sha256", key).update(value).digest();
  const key = steps.reduce(hmac, `AWS4${secret}`);
  const hash = createHash("sha256").update(canonical).digest("hex");
  return hmac(key, ["AWS4-HMAC-SHA256", time, steps.join("/"), hash].join("\n")).toString("hex");
}

function keyFiles() {
  const file = ssec.KeyFile.generate("master", "lab data", "2026-11-23");
  const printed = file.print();
  const again = ssec.KeyFile.read(printed);
  assert.equal(again.length, 1);
  assert.equal(again.label(0), "lab data");
  const [key, same] = [...file.keys(), ...again.keys()];
  assert.equal(key.fingerprint, same.fingerprint);
  assert.equal(key.kind, "master");
  refused("argument", () => file.print());
  // One letter of the key's own line; q and p are both letters of its encoding.
  const letter = new TextDecoder().decode(printed).indexOf("s3-ssec-master1") + 40;
  printed[letter] = printed[letter] === 113 ? 112 : 113;
  refused("key-file", () => ssec.KeyFile.read(printed));
  assert.equal(ssec.KeyFile.read(bytes(32, 3)).keys()[0].kind, "direct");
  return key;
}

function requests(key) {
  const gateway = new ssec.Gateway("https://gw.example.org:8443");
  const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  const signer = new ssec.Signer("us-east-1", "AKID", text(secret), "token");
  const seal = new ssec.ObjectSeal(key, "bucket", "größe/a b+c", NOW);
  const put = () => {
    const request = gateway.request("PUT", "bucket", "größe/a b+c");
    request.key(seal.customerKey());
    return request;
  };
  const request = put();
  request.parameter("partNumber", "1");
  request.parameter("uploadId", "2~a/b");
  request.header("x-amz-meta-said", 'C:\\ "quoted"');
  const signed = signer.sign(request, NOW);
  assert.equal(signed.redirect, "error");
  assert.equal(signed.credentials, "omit");
  assert.equal(signed.headers["x-amz-date"], "20231114T221320Z");
  assert.equal(signed.headers["x-amz-meta-said"], 'C:\\ "quoted"');
  assert.ok(signed.headers.authorization.endsWith(`Signature=${signature(signed, secret)}`));
  for (const [name, value] of seal.pairs()) {
    assert.equal(signed.headers[name], value);
    assert.ok(!signed.url.includes(value) && !signed.url.includes(encodeURIComponent(value)));
  }
  refused("argument", () => signer.sign(request, NOW));
  refused("argument", () => request.header("x-amz-meta-late", "no"));
  const once = put();
  once.header("If-None-Match", "*");
  const presigned = signer.presign(once, NOW, 3600);
  assert.equal(presigned.expiresAt, NOW + 3600);
  assert.equal(ssec.linkExpiresAt(presigned.url), NOW + 3600);
  assert.equal(ssec.linkExpiresAt("https://gw.example.org/bucket/key"), undefined);
  assert.ok(presigned.url.includes("SignedHeaders=host%3Bif-none-match%3Bx-amz-server-side"));
  refused("sign", () => signer.presign(put(), NOW, 8 * 86_400));
  refused("request", () => gateway.request("GET", "bucket", "a/../b"));
  refused("request", () => put().parameter(seal.pairs()[1][0], "key"));
  refused("request", () => put().header(seal.pairs()[1][0], "key"));
  refused("endpoint", () => new ssec.Gateway("http://gw.example.org"));
  refused("endpoint", () => ssec.Gateway.orPlainLoopback("http://gw.example.org"));
  refused("credential", () => new ssec.Signer("us-east-1", "AKID", new Uint8Array()));
  const hashed = put();
  hashed.payloadSha256(createHash("sha256").update("body").digest());
  const whole = signer.sign(hashed, NOW);
  assert.equal(whole.headers["x-amz-content-sha256"], createHash("sha256").update("body").digest("hex"));
  assert.ok(whole.headers.authorization.endsWith(`Signature=${signature(whole, secret)}`));
  refused("argument", () => put().payloadSha256(new Uint8Array(31)));
  chunks(signer, put, secret);
  signer.free();
}

// A body in chunks: the frames that the signer makes, once more by the book.
function chunks(signer, put, secret) {
  const hash = (data) => createHash("sha256").update(data).digest();
  const cut = [bytes(8192, 1), bytes(8192, 2), bytes(5, 3)];
  const [sha256s, length] = [Buffer.concat(cut.map(hash)), 2 * 8192 + 5];
  const signed = signer.signChunked(put(), NOW, length, 8192, sha256s);
  assert.equal(signed.headers["x-amz-decoded-content-length"], String(length));
  const hmac = (key, value) => createHmac("sha256", key).update(value).digest();
  const key = ["20231114", "us-east-1", "s3", "aws4_request"].reduce(hmac, `AWS4${secret}`);
  const nothing = hash("").toString("hex");
  let last = signature(signed, secret);
  assert.ok(signed.headers.authorization.endsWith(`Signature=${last}`));
  const frames = [...cut, new Uint8Array()].map((chunk, index) => {
    const scope = "20231114/us-east-1/s3/aws4_request";
    const lines = ["AWS4-HMAC-SHA256-PAYLOAD", "20231114T221320Z", scope, last, nothing, hash(chunk).toString("hex")];
    last = hmac(key, lines.join("\n")).toString("hex");
    return `${index ? "\r\n" : ""}${chunk.length.toString(16)};chunk-signature=${last}\r\n`;
  });
  frames[3] += "\r\n";
  assert.deepEqual(signed.frames, frames);
  // No chunk, chunks that are too small, one digest too few, one too many, half of one.
  refused("argument", () => signer.signChunked(put(), NOW, 0, 8192, new Uint8Array()));
  refused("argument", () => signer.signChunked(put(), NOW, 4096, 4096, hash("")));
  refused("argument", () => signer.signChunked(put(), NOW, length, 8192, sha256s.subarray(32)));
  refused("argument", () => signer.signChunked(put(), NOW, 8192, 8192, sha256s));
  refused("argument", () => signer.signChunked(put(), NOW, length, 8192, sha256s.subarray(1)));
}

function contents(key) {
  const plan = new ssec.MultipartPlan(20_000_000, 5 << 20);
  assert.deepEqual([plan.partSize, plan.partCount], [8 << 20, 3]);
  const last = plan.part(3);
  assert.deepEqual([last.offset, last.length, plan.part(4)], [16 << 20, 20_000_000 - (16 << 20), undefined]);
  assert.equal(ssec.rangeHeader(5, 10), "bytes=5-14");
  refused("too-large", () => new ssec.MultipartPlan(6 * 2 ** 40, 5 << 20));
  const content = bytes(ssec.pieceLength() + 1000, 1);
  const contentKey = key.contentKey();
  const whole = new ssec.ContentHasher(contentKey);
  whole.update(content);
  const tree = new ssec.ContentTree(contentKey);
  for (const index of [1, 0]) {
    const piece = new ssec.PieceHasher(contentKey, index);
    piece.update(content.subarray(index * ssec.pieceLength(), (index + 1) * ssec.pieceLength()));
    tree.add(piece.finish());
  }
  const digest = whole.finish();
  assert.deepEqual(tree.finish(), digest);
  const seal = new ssec.ObjectSeal(key, "bucket", "a", NOW);
  const opened = ssec.openRecord(key, "bucket", "a", seal.completeTag(content.length, digest));
  assert.ok(opened.contentMatches(content.length, digest));
  assert.ok(!opened.contentMatches(content.length, digest.map((byte) => byte ^ 1)));
  refused("argument", () => seal.completeTag(content.length, digest.subarray(1)));
  refused("argument", () => opened.contentMatches(content.length, digest.subarray(1)));
}

function journals(key) {
  const seal = new ssec.ObjectSeal(key, "bucket", "a", NOW);
  const [contentKey, hash] = [key.contentKey(), "aa".repeat(32)];
  const lines = [
    ssec.journalBegun("https://gw", "s3://bucket/a", "a.bin", 100, 50, key.fingerprint, seal.nonce),
    ssec.journalCreated("2~abc"),
    ssec.journalSending(contentKey, 1, hash),
    ssec.journalStored(contentKey, 1, "etag"),
  ];
  assert.ok(!lines.join("").includes(hash) && !lines.join("").includes("etag\":\"etag"));
  const journal = ssec.UploadJournal.parse(`${lines.join("")}{"cut sho`);
  assert.deepEqual([journal.uploadId, journal.size, journal.storedCount], ["2~abc", 100, 1]);
  assert.deepEqual(["aa", "bb"].map((one) => journal.sentAnother(contentKey, 1, one.repeat(32))), [false, true]);
  assert.deepEqual(["etag", "e"].map((etag) => journal.hasStored(contentKey, 1, etag)), [true, false]);
  const resumed = ssec.ObjectSeal.resume(key, "bucket", "a", journal.nonce);
  assert.equal(resumed.pendingTag(), seal.pendingTag());
  assert.equal(ssec.UploadJournal.parse("nonsense\n"), undefined);
  assert.ok(ssec.drawNonce(NOW, seal.nonce) > seal.nonce && ssec.nonceSlot("bucket", "a") < 4096);
}

function verdicts(key) {
  const seal = new ssec.ObjectSeal(key, "bucket", "a", NOW);
  const digest = new Uint8Array(32);
  const inspection = new ssec.Inspection("bucket", "a");
  inspection.addKey(key, "lab");
  assert.equal(inspection.step(), "tags");
  inspection.records([seal.completeTag(5, digest)]);
  inspection.firstByte(400, "InvalidRequest");
  assert.equal(inspection.step(), "head");
  const echo = new Headers(inspection.customerKey().headers());
  inspection.head(200, 5, echo);
  const { state, tone, words, keyIndex, nonce } = inspection.result();
  assert.deepEqual([state, tone, words, keyIndex, nonce], ["open", "good", "encrypted, key “lab”", 0, seal.nonce]);
  assert.equal(inspection.judge(5, digest).code, "verified");
  refused("damaged", () => inspection.judge(5, digest.map((byte) => byte ^ 1)));
  const { what, todo } = ssec.explainInspected("outdated", "encrypted, another key", "bucket", "a");
  assert.ok(what && todo.includes("s3-ssec stat s3://bucket/a"));
  const pages = new ssec.ListingPages("objects", "");
  refused("listing", () => pages.read(text("<ListBucketResult>")));
  const whole = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
  assert.deepEqual(pages.read(text(whole)), { folders: [], objects: [], parts: [] });
  transfer(seal);
}

// An upload in one request, whose answer is lost and whose object is there.
function transfer(seal) {
  const tag = seal.pendingTag();
  const plan = { bucket: "bucket", name: "a", size: 5, existing: "replace", tagsKept: true };
  const order = ssec.Transfer.put(JSON.stringify(plan));
  const echo = [...seal.pairs(), ["etag", '"e"'], ["content-length", "5"]];
  const answer = (status, headers = [], body = "") => ({ outcome: "answer", status, headers, body });
  const answers = {
    PutObject: () => ({ outcome: "no-answer" }),
    HeadObject: ({ isKeyed }) => answer(...(isKeyed ? [200, echo] : [400])),
    GetObject: () => answer(400, [], "<Error><Code>InvalidRequest</Code></Error>"),
    GetObjectTagging: () => {
      const set = `<Tag><Key>${ssec.recordTagKey()}</Key><Value>${tag}</Value></Tag>`;
      return answer(200, [], `<Tagging><TagSet>${set}</TagSet></Tagging>`);
    },
  };
  const [, , [, md5]] = seal.pairs();
  const tasks = {
    "draw-key": () => ({ outcome: "key", nonce: seal.nonce, md5, kind: "master", record: tag }),
    call: (task) => answers[task.operation](task),
  };
  const took = [];
  for (let round = 0; !order.verdict() && round < 20; round += 1) {
    for (const task of JSON.parse(order.next(4))) {
      took.push(task.operation ?? task.task);
      order.done(task.id, JSON.stringify(tasks[task.task]?.(task) ?? { outcome: "failed" }));
    }
  }
  assert.deepEqual(JSON.parse(order.verdict()), { end: "stored", isInTag: true });
  const looks = ["HeadObject", "GetObject", "HeadObject", "GetObjectTagging"];
  assert.deepEqual(took.slice(0, 7), ["draw-key", "note", "PutObject", ...looks]);
  refused("argument", () => order.done(0, '{"outcome":"slept"}'));
  refused("argument", () => ssec.Transfer.put("{}"));
  const read = [206, 404, 400].map((status) => ssec.keylessRead(status, "InvalidRequest"));
  assert.deepEqual([...read, ssec.keylessRead(400, "BadRequest")], ["readable", "absent", "key-needed", "unclear"]);
  const refusals = [200, 403, 408, 412, 429, 500, 501, 503].filter((status) => ssec.isRefusal(status));
  assert.deepEqual(refusals, [403, 412, 501]);
}

function rules() {
  refused("policy", () => ssec.explainPolicy("[]"));
  assert.deepEqual(ssec.explainPolicy("{}"), []);
  const change = ssec.PolicyChange.apply("bucket", "require-tls");
  assert.equal(change.step().kind, "read");
  change.read(undefined);
  const { kind, document } = change.step();
  assert.equal(kind, "write");
  assert.match(document, /arn:aws:s3:::bucket\/\.s3-ssec-trial-/);
  change.free();
  const other = { origins: ["https://b.org"], methods: ["GET"], headers: [], exposed: [] };
  const cors = ssec.applyCors([other], "https://data.example.org");
  const list = (name) => [...cors.matchAll(`<${name}>([^<]*)</${name}>`)].map((found) => found[1]);
  assert.deepEqual(list("AllowedOrigin"), ["https://data.example.org", "https://b.org"]);
  assert.ok(list("ExposeHeader").includes("ETag"));
  assert.ok(!ssec.admitsOrigin([other], "https://b.org"));
  refused("origin", () => ssec.applyCors([], "*"));
  refused("argument", () => ssec.applyCors([{}], "https://b.org"));
  const advice = ssec.explainRefusal("GetObject", 404, "NoSuchKey", undefined, "target");
  assert.equal(advice.cause, "no-such-key");
  assert.ok(advice.what && advice.todo);
}

// 32 bytes of zero: 23 times the first word of the list, and the one whose checksum fits.
function paper() {
  const file = ssec.keyFileOfWords(text(`${"abandon ".repeat(23)}art`), "direct");
  const [key] = ssec.KeyFile.read(file).keys();
  assert.equal(key.directPairs()[1][1], Buffer.alloc(32).toString("base64"));
  refused("words", () => ssec.keyFileOfWords(text(`${"abandon ".repeat(23)}able`), "direct"));
  refused("words-unconfirmed", () => ssec.keyFileOfWords(text(`${"abandon ".repeat(23)}art`), "master"));
  refused("words-kind", () => ssec.keyFileOfWords(text(`${"abandon ".repeat(23)}art`)));
}

// Neither the key nor what is derived from it stays in memory after free().
function wipes() {
  const secret = bytes(32, 77);
  const found = (wanted) => memories.some(({ memory }) => Buffer.from(memory.buffer).includes(wanted));
  const halves = (buffer) => [buffer.subarray(0, buffer.length / 2), buffer.subarray(buffer.length / 2)];
  const key = ssec.Key.fromBytes("master", secret);
  const seal = new ssec.ObjectSeal(key, "bucket", "a", NOW);
  const customer = seal.customerKey();
  const wire = Buffer.from(customer.pairs()[1][1], "base64");
  const prk = createHmac("sha256", "s3-ssec/v1").update(secret).digest();
  const expand = (label) => createHmac("sha256", prk).update(`s3-ssec/v1/${label}\0\x01`).digest();
  seal.headers();
  seal.pendingTag();
  ssec.openRecord(key, "bucket", "a", seal.pendingTag()).free();
  const hasher = new ssec.ContentHasher(key.contentKey());
  hasher.update(text("attack at dawn"));
  hasher.finish();
  hasher.free();
  const gateway = new ssec.Gateway("https://gw.example.org");
  const login = "a secret access key, long enough";
  const signer = new ssec.Signer("us-east-1", "AKID", text(login));
  const request = gateway.request("PUT", "bucket", "a");
  request.key(customer);
  signer.sign(request, NOW);
  const signing = ["20231114", "us-east-1", "s3", "aws4_request"].reduce(
    (key, step) => createHmac("sha256", key).update(step).digest(),
    `AWS4${login}`,
  );
  assert.ok(found(secret) && found(wire) && found(login) && found(signing), "the search finds nothing");
  for (const one of [customer, seal, key, signer]) {
    one.free();
  }
  const base64 = Buffer.from(wire.toString("base64"));
  const derived = [prk, wire, base64, expand("content"), expand("record"), Buffer.from(secret)];
  for (const [index, value] of [...derived, Buffer.from(login), signing].entries()) {
    assert.deepEqual([index, ...halves(value).map(found)], [index, false, false]);
  }
}

const key = keyFiles();
requests(key);
contents(key);
journals(key);
verdicts(key);
rules();
paper();
wipes();
for (const name of ["s3_ssec", "digest", "documents", "words"]) {
  assert.ok(readFileSync(new URL(import.meta.resolve(`s3-ssec/${name}_bg.wasm`))).length > 0);
}
console.log("done");

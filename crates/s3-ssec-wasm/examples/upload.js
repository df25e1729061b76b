// Uploads one file straight to the gateway, and believes it only when the gateway confirmed the key.
import init, { Gateway, KeyFile, ObjectSeal, Signer, recordTagKey, verifyEcho } from "./pkg/s3_ssec.js";
import initDigest, { ContentHasher } from "./pkg/digest.js";

export async function upload(keyFile, file, { endpoint, bucket, accessKeyId, secretAccessKey }) {
  await Promise.all([init(), initDigest()]);
  const [key] = KeyFile.read(keyFile).keys();
  const [now, content] = [Date.now() / 1000, new Uint8Array(await file.arrayBuffer())];
  const seal = new ObjectSeal(key, bucket, file.name, now); // a customer key for this upload alone
  const hasher = new ContentHasher(key.contentKey());
  hasher.update(content);
  const tag = seal.completeTag(hasher.size, hasher.finish()); // tells which key opens it, and what it is
  const request = new Gateway(endpoint).request("PUT", bucket, file.name);
  request.header("x-amz-tagging", `${recordTagKey()}=${tag}`);
  request.key(seal.customerKey());
  const signer = new Signer("us-east-1", accessKeyId, new TextEncoder().encode(secretAccessKey));
  const signed = signer.sign(request, now);
  const answer = await fetch(signed.url, { ...signed, body: content });
  if (!answer.ok) throw new Error(`the gateway says ${answer.status}`);
  verifyEcho(seal, answer.headers); // throws when it did not encrypt: the object may lie in the clear
}

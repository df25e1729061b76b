/** What went wrong, for programs. The message is for people and may change. */
export type SsecErrorCode =
  | "argument"
  | "key-length"
  | "random"
  | "name"
  | "record-malformed"
  | "record-newer-format"
  | "record-foreign"
  | "echo-missing"
  | "echo-other-algorithm"
  | "echo-other-key"
  | "echo-plaintext"
  | "cors"
  | "credential"
  | "endpoint"
  | "key-file"
  | "keyring"
  | "origin"
  | "policy"
  | "request"
  | "sign"
  | "too-large"
  | "words"
  | "words-kind"
  | "other";

/** What every function of this package throws. */
export interface SsecError extends Error {
  readonly code: SsecErrorCode;
}

/** "master": every object version gets a key derived from it. "direct": it is sent as it is. */
export type Kind = "master" | "direct";

/** A request that a gateway will believe. `fetch(signed.url, { ...signed, body })` sends it. */
export interface SignedRequest {
  readonly url: string;
  readonly method: string;
  /** Where a customer key is used, they hold it. All of them belong to the signature. */
  readonly headers: Readonly<Record<string, string>>;
  /** A key must not follow a redirect. */
  readonly redirect: "error";
  readonly credentials: "omit";
  readonly referrerPolicy: "no-referrer";
}

/** A request whose body goes in chunks: frames[0], the first chunk, frames[1], and so on; a frame is the last. */
export interface ChunkedRequest extends SignedRequest {
  /** ASCII: one for each chunk, and one behind them. `new Blob([frames[0], file.slice(0, n), ...])`. */
  readonly frames: readonly string[];
}

/** A request for somebody without credentials. The address alone is refused. */
export interface PresignedRequest extends SignedRequest {
  /** The first second at which it is refused, since 1970. */
  readonly expiresAt: number;
}

/** What a rule of ours makes a bucket do. */
export type PolicyRule = "require-ssec" | "block-ssec" | "require-tls";

/** One CORS rule of a bucket. Fields as in S3's XML, in the order in which the gateway tries them. */
export interface CorsRule {
  readonly id?: string;
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAge?: number;
}

/** A refusal in words. */
export interface Advice {
  /** For programs, such as "wrong-key". */
  readonly cause: string;
  /** What happened: one line, lower case, no full stop. */
  readonly what: string;
  /** What to do next: one imperative line. */
  readonly todo: string;
}

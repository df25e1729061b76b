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
  | "echo-unclear"
  | "cors"
  | "credential"
  | "damaged"
  | "endpoint"
  | "key-file"
  | "keyring"
  | "listing"
  | "origin"
  | "policy"
  | "request"
  | "sign"
  | "too-large"
  | "words"
  | "words-kind"
  | "words-unconfirmed"
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

/** The next step of a `PolicyChange`. */
export interface PolicyStep {
  /** Read: `read()`. Write, wait, clear: `done()`. Try: `tried()`. Any that fails: `failed()`. */
  readonly kind: "read" | "write" | "try" | "wait" | "clear" | "end";
  /** Write: the body of PutBucketPolicy; without one, DeleteBucketPolicy. */
  readonly document?: string;
  /** Try: the upload to send, without a key, or with one that is thrown away. */
  readonly attempt?: "plain" | "encrypted" | "multipart";
  /** Try: the object to send it to. */
  readonly name?: string;
  readonly seconds?: number;
  /** Clear: the objects to remove, where they exist. */
  readonly names?: readonly string[];
  /** End: true if the rule is in the policy, or out of it, as was asked. */
  readonly good?: boolean;
  /** End: a request failed; its own error says more. */
  readonly failed?: boolean;
  /** End: what happened, and what to do. */
  readonly what?: string;
  readonly todo?: string;
}

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

/** The next request of an `Inspection`. */
export type InspectionStep = "tags" | "first-byte" | "head-without-key" | "head" | "done" | "refused";

/** The state of an object under the keys at hand. */
export interface Inspected {
  /** "open" is under a key of yours with a complete record, "undescribed" under a direct key without one. */
  readonly state:
    | "open"
    | "pending"
    | "undescribed"
    | "other-size"
    | "other-key"
    | "outdated"
    | "not-genuine"
    | "damaged-record"
    | "newer-record"
    | "unproved"
    | "plain"
    | "absent";
  /** Show nothing as good that is not: a direct key beside a master key is a "caution". */
  readonly tone: "good" | "caution" | "bad";
  /** One line, lower case, no full stop. */
  readonly words: string;
  /** True if there is a digest to compare a content with. */
  readonly isDescribed: boolean;
  /** False if its content is to stay where it is; `explainInspected` of `s3-ssec/documents` says why. */
  readonly isDelivered: boolean;
  /** The place of the key that opens it among those that were added, from 0. */
  readonly keyIndex?: number;
  /** The nonce of its record, if that is genuine: see `nonceAfterReading` of `s3-ssec/documents`. */
  readonly nonce?: string;
}

/** The verdict on a content that was read to its end. */
export interface Verdict {
  /** As in the JSON of the command: "verified", "verified-since", "not-verified"... */
  readonly code: string;
  readonly isVerified: boolean;
  /** Such as "verified since it was accepted on 2026-11-30 (UTC)". */
  readonly words: string;
}

/** A page of a listing. */
export interface ListingPage {
  readonly folders: readonly string[];
  readonly objects: readonly { readonly name: string; readonly size: number }[];
  readonly parts: readonly { readonly number: number; readonly etag: string }[];
  /** Where the next page starts; undefined at the end. */
  readonly next?: string;
}

/** The facts about the key of a write that are no secret. */
export interface KeyFacts {
  /** The nonce of its `ObjectSeal`. */
  readonly nonce: string;
  /** The MD5 that the gateway has to echo, as in the header. */
  readonly md5: string;
  /** That of the person's key: a direct key opens other objects too. */
  readonly kind: Kind;
  /** The record under it: pending for an upload in parts. */
  readonly record: string;
}

/** An upload in one request. */
export interface PutPlan {
  readonly bucket: string;
  readonly name: string;
  /** Bytes of the content. */
  readonly size: number;
  readonly existing: "keep" | "replace";
  /** True if a trial showed that the tags of such a write are kept. */
  readonly tagsKept: boolean;
}

/** An upload in parts. If it fails, it stays, and its journal with it. */
export interface PartsPlan {
  readonly bucket: string;
  readonly name: string;
  /** Bytes of the content. */
  readonly size: number;
  /** Wanted bytes of a part; grown where 10,000 parts would not do. */
  readonly partSize: number;
  /** Parts on their way at a time. */
  readonly atOnce: number;
  readonly existing: "keep" | "replace";
  /** The text of the journal of an upload that broke off, and the facts about its key, with the pending record. */
  readonly journal?: string;
  readonly key?: KeyFacts;
}

/** A kind of write, to be proved on a scratch object beside this object. */
export interface TrialPlan {
  readonly bucket: string;
  readonly name: string;
  readonly kind: "single" | "multipart";
}

/** The end of an upload whose parts are all at the gateway. */
export interface CompletePlan {
  readonly bucket: string;
  readonly name: string;
  readonly key: KeyFacts;
  readonly upload: string;
  /** The ETags of all parts, in their order. */
  readonly etags: readonly string[];
  readonly size: number;
  /** The complete record. */
  readonly record: string;
  readonly existing: "keep" | "replace";
  /** True if the upload is known to be completed: only proof and record are missing. */
  readonly isCompleted: boolean;
}

/** One thing to do for a `Transfer`. A task that cannot be done here has the outcome "failed". */
export type TransferTask = { readonly id: number } & (
  | {
      readonly task: "call";
      readonly operation: string;
      readonly method: string;
      /** The object; the bucket without it. */
      readonly name?: string;
      readonly parameters: Readonly<Record<string, string>>;
      readonly headers: Readonly<Record<string, string>>;
      /** A small body. */
      readonly document?: string;
      /** A piece of the content: where it begins, and its length. */
      readonly body?: readonly [number, number];
      /** Of a part: its number. Note its hash in the journal before you send it; "other-content" if another one is there. */
      readonly number?: number;
      /** True if the type of the content goes into the headers, and its metadata. */
      readonly isTyped?: boolean;
      /** The content of a scratch object. */
      readonly content?: string;
      /** True if the key that was drawn last, or that of the plan, goes into the headers. */
      readonly isKeyed: boolean;
      /** True if the body of a success is part of the outcome; that of a refusal always is. */
      readonly isRead: boolean;
    }
  /** Draw a nonce, above all others of this name, and derive the key. */
  | { readonly task: "draw-key" }
  /** Draw a direct key that is thrown away, for an object of this name. */
  | { readonly task: "open-scratch"; readonly bucket: string; readonly name: string }
  /** That object is gone. The outcome is "noted". */
  | { readonly task: "close-scratch" }
  /** Keep this record before the next request: on disk if "begun-alone". "failed" if that is not possible. */
  | { readonly task: "note"; readonly record: string; readonly stage: "begun" | "begun-alone" | "confirmed" }
  | { readonly task: "sleep"; readonly ms: number }
  /** Hash a part that the gateway holds: "hashed", or "other-content" if it is not what the journal notes. */
  | { readonly task: "hash"; readonly number: number; readonly body: readonly [number, number] }
  /** Which of these ETags, by number, does the journal note? "agreed". */
  | { readonly task: "compare"; readonly listed: Readonly<Record<string, string>> }
  /** Make the complete record of all that was sent and hashed: "described". */
  | { readonly task: "describe" }
  /** Note a step in the journal, or forget it if it is "over": "noted". */
  | {
      readonly task: "journal";
      readonly step: "begun" | "created" | "stored" | "completing" | "over";
      readonly upload?: string;
      readonly number?: number;
      readonly etag?: string;
    }
  | { readonly task: "other" }
);

/** The outcome of a task. */
export type TransferOutcome =
  | {
      readonly outcome: "answer";
      readonly status: number;
      readonly headers: readonly (readonly [string, string])[];
      readonly body: string;
    }
  | ({ readonly outcome: "key" } & KeyFacts)
  /** Bucket and name of the task; the MD5 that the gateway has to echo, as in the header. */
  | { readonly outcome: "scratch"; readonly bucket: string; readonly name: string; readonly md5: string }
  /** None came; "silent" if you waited as long as you wait. */
  | { readonly outcome: "no-answer" | "silent" }
  | { readonly outcome: "agreed"; readonly numbers: readonly number[] }
  | { readonly outcome: "described"; readonly record: string }
  | { readonly outcome: "noted" | "slept" | "hashed" | "other-content" | "failed" | "abandoned" };

/** The end of a `Transfer`. */
export interface TransferVerdict {
  /** "stored" is proved to be encrypted; "unrecorded" too, but its record is nowhere. */
  readonly end:
    | "proved"
    | "stored"
    | "exists"
    | "overwritten"
    | "unrecorded"
    | "refused"
    | "not-proved"
    | "unanswered"
    | "stopped"
    | "no-nonce"
    /** The content could not be read as it was; or it is not what it was when the upload broke off. */
    | "source-failed"
    | "other-content"
    /** The gateway does not know the upload that broke off, and its object is not there. */
    | "upload-gone";
  /** Of "proved": whether the tags of such a write are kept; undefined if they may not be seen. */
  readonly tagsKept?: boolean;
  /** Of "stored": false if the record is only where a "note" was kept. */
  readonly isInTag?: boolean;
  readonly versionId?: string;
  /** Of "refused": the answer that decided. */
  readonly status?: number;
  readonly body?: string;
  /** Of "not-proved": the code of the error, and a line for people. */
  readonly code?: SsecErrorCode;
  readonly what?: string;
  readonly leftover?: Leftover;
  /** The remains in a sentence, where there may be any. Of a trial that was "proved" too. */
  readonly words?: string;
}

/** The answer to a GET without a key. "unclear" is a refusal that does not speak of a key. */
export type KeylessRead = "readable" | "key-needed" | "absent" | "unclear";

/** The remains of a write at the gateway. */
export type Leftover = "nothing" | "not-found" | "arrived" | "unknown" | "perhaps";

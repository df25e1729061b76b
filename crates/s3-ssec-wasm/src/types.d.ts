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
  | "other";

/** What every function of this package throws. */
export interface SsecError extends Error {
  readonly code: SsecErrorCode;
}

/** "master": every object version gets a key derived from it. "direct": it is sent as it is. */
export type Kind = "master" | "direct";

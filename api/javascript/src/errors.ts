/**
 * What can go wrong: one class per documented reason, all of them a PatronusError.
 *
 * Every error carries the gRPC code, the reason, the path of the field, the server's sentence and what to do next. A reason
 * that this version does not know is raised as the plain PatronusError.
 */

/** gRPC status codes by number. */
export const CODES: readonly string[] = [
  "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
  "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
];

/** What a PatronusError is made of. */
export interface ErrorParts {
  code?: string;
  reason?: string;
  field?: string;
  server?: string;
  advice?: string;
}

/** A call that failed, or could not be made. */
export class PatronusError extends Error {
  /** gRPC status, for example "NOT_FOUND". */
  readonly code: string;
  /** Documented reason, for example "RESOURCE_NOT_FOUND"; never renamed. "" when there is none. */
  readonly reason: string;
  /** Path of the field that is wrong, or "". */
  readonly field: string;
  /** Address of the controller that answered, or "". */
  readonly server: string;
  /** What to do next; "" where the text says all. */
  readonly advice: string;
  /** The server's sentence: what is wrong, and what would be right. */
  readonly text: string;

  constructor(text: string, parts: ErrorParts = {}) {
    const { code = "", reason = "", field = "", server = "", advice = "" } = parts;
    const kind = [code, reason].filter((part) => part !== "").join(", ");
    const head = `${field === "" ? "" : `${field}: `}${text}${kind === "" ? "" : ` (${kind})`}`;
    super(advice === "" ? head : `${head}; ${advice}`);
    this.name = new.target.name;
    this.text = text;
    this.code = code;
    this.reason = reason;
    this.field = field;
    this.server = server;
    this.advice = advice;
  }
}

/** No controller answered in time; the last cause is in the text. */
export class Unavailable extends PatronusError {}
/** The time allowed was over; the change may or may not have been made. Repeating it with its request id is safe. */
export class DeadlineExceeded extends PatronusError {}
/** The call was cancelled. */
export class Cancelled extends PatronusError {}
/** The credential is not one of this cluster. */
export class NotAuthenticated extends PatronusError {}
/** The credential file cannot be read, or lacks a part. */
export class CredentialInvalid extends PatronusError {}
/** The kind has no such method: what the system computes can be read and watched only. */
export class MethodMissing extends PatronusError {}

type ErrorClass = new (text: string, parts?: ErrorParts) => PatronusError;

const BY_CODE = new Map<string, [ErrorClass, string]>([
  ["UNAVAILABLE", [Unavailable, "is a controller running there? Name others in PATRONUS_SERVER; patronusctl doctor looks closer"]],
  ["DEADLINE_EXCEEDED", [DeadlineExceeded, "allow more time; patronusctl doctor looks closer"]],
  ["CANCELLED", [Cancelled, ""]],
  ["UNAUTHENTICATED", [NotAuthenticated, "give the credential of this cluster (patronusd init wrote it)"]],
]);
const BY_REASON = new Map<string, [ErrorClass, string]>();

/** Called by v1/reasons.ts. */
export function registerReason(reason: string, found: ErrorClass, advice: string): void {
  BY_REASON.set(reason, [found, advice]);
}

/** The error for what a server said. */
export function makeError(text: string, parts: ErrorParts): PatronusError {
  const [found, advice] = BY_REASON.get(parts.reason ?? "") ?? BY_CODE.get(parts.code ?? "") ?? [PatronusError, ""];
  return new found(text, { ...parts, advice });
}

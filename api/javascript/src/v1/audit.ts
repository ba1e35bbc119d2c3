/**
 * Audit: who changed what, and who was refused. A chain of records in the replicated state. Generated from the schema
 * by api/tools/generate; do not edit.
 */

/**
 * One record. Its hash is the SHA-256 of its canonical form without `hash`; the next record holds it as
 * `previous_hash`.
 */
export interface AuditRecord {
  /** Number of the record, from 1, without gap. */
  sequence: bigint;
  /** Log index of the entry that wrote it: the revision of what was changed. */
  revision: bigint;
  /** When, by the leader's clock. */
  time?: Date;
  /** Who asked. */
  principal: string;
  /** Name of the API key that was presented; empty for none. */
  apiKey: string;
  /** Address that the call came from. */
  source: string;
  /**
   * What was asked for: CREATE, UPDATE, DELETE, UNDELETE, APPLY, CONFIRM, ROLLBACK, EXPIRE, ENROLL, SET_META,
   * RAISE_LEVEL; or the method of a call that was refused, or changes nothing and is recorded all the same.
   */
  method: string;
  /** Resources concerned, 16 at most. */
  resources: string[];
  /** How many there were. */
  resourcesLen: number;
  /** "OK", or the code of the refusal, for example PERMISSION_DENIED. */
  code: string;
  /** How many equal calls the record stands for: refused calls are counted together. */
  count: bigint;
  /** Request id of the caller; empty for none. */
  requestId: string;
  /** SHA-256 over the change as it stands in the log. */
  changeDigest: Uint8Array;
  /** Hash of the record before; empty in the first. */
  previousHash: Uint8Array;
  /** Hash of this record. Not stored: added where the record is shown. */
  hash: Uint8Array;
}

/** What a program says of a AuditRecord. */
export interface AuditRecordInit {
  /** Number of the record, from 1, without gap. */
  sequence?: bigint | number;
  /** Log index of the entry that wrote it: the revision of what was changed. */
  revision?: bigint | number;
  /** When, by the leader's clock. */
  time?: Date;
  /** Who asked. */
  principal?: string;
  /** Name of the API key that was presented; empty for none. */
  apiKey?: string;
  /** Address that the call came from. */
  source?: string;
  /**
   * What was asked for: CREATE, UPDATE, DELETE, UNDELETE, APPLY, CONFIRM, ROLLBACK, EXPIRE, ENROLL, SET_META,
   * RAISE_LEVEL; or the method of a call that was refused, or changes nothing and is recorded all the same.
   */
  method?: string;
  /** Resources concerned, 16 at most. */
  resources?: readonly string[];
  /** How many there were. */
  resourcesLen?: number;
  /** "OK", or the code of the refusal, for example PERMISSION_DENIED. */
  code?: string;
  /** How many equal calls the record stands for: refused calls are counted together. */
  count?: bigint | number;
  /** Request id of the caller; empty for none. */
  requestId?: string;
  /** SHA-256 over the change as it stands in the log. */
  changeDigest?: Uint8Array;
  /** Hash of the record before; empty in the first. */
  previousHash?: Uint8Array;
  /** Hash of this record. Not stored: added where the record is shown. */
  hash?: Uint8Array;
}

/** Request of QueryAudit. */
export interface QueryAuditRequest {
  /**
   * An organization: what concerns it and what is below it. Empty: everything, which the chain can be verified on.
   */
  parent: string;
  /** Records of later log entries only: next_revision of the answer before; 0: from the oldest on. */
  afterRevision: bigint;
  /** Most log entries to look at: 1..10000, default 1000. */
  pageSize: number;
}

/** What a program says of a QueryAuditRequest. */
export interface QueryAuditRequestInit {
  /**
   * An organization: what concerns it and what is below it. Empty: everything, which the chain can be verified on.
   */
  parent?: string;
  /** Records of later log entries only: next_revision of the answer before; 0: from the oldest on. */
  afterRevision?: bigint | number;
  /** Most log entries to look at: 1..10000, default 1000. */
  pageSize?: number;
}

/** Response of QueryAudit. */
export interface QueryAuditResponse {
  /** In order. Records of one log entry are never parted. */
  records: AuditRecord[];
  /** after_revision of the next call; 0: there is nothing more now. */
  nextRevision: bigint;
  /** Number of the newest record. */
  headSequence: bigint;
  /** Its hash. */
  headHash: Uint8Array;
}

/** What a program says of a QueryAuditResponse. */
export interface QueryAuditResponseInit {
  /** In order. Records of one log entry are never parted. */
  records?: readonly AuditRecordInit[];
  /** after_revision of the next call; 0: there is nothing more now. */
  nextRevision?: bigint | number;
  /** Number of the newest record. */
  headSequence?: bigint | number;
  /** Its hash. */
  headHash?: Uint8Array;
}

/** Response of ReportDenied. */
export type ReportDeniedResponse = Record<string, never>;

/** Response of ReportDenied. */
export type ReportDeniedResponseInit = Record<string, never>;

/**
 * What the Raft log and snapshots hold. Internal: no client sends or receives these messages. An entry's data is one
 * Command in canonical form (fields by number, map entries by key, no unknown fields). Apply uses nothing but the
 * entry and the store: the leader stamps time and identifiers before it proposes. Generated from the schema by
 * api/tools/generate; do not edit.
 */

/**
 * A call that is recorded and changes nothing in the state: refused at the edge, equal ones counted together; or
 * carried out, with the code "OK": a diagnostic, a person's certificate.
 */
export interface RecordedCall {
  /** Who asked. */
  principal: string;
  /** API key that was presented. */
  apiKey: string;
  /** Address. */
  source: string;
  /** Method. */
  method: string;
  /** Resource named in the request. */
  resource: string;
  /** Code of the refusal, or "OK". */
  code: string;
  /** How many. */
  count: bigint;
}

/** What a program says of a RecordedCall. */
export interface RecordedCallInit {
  /** Who asked. */
  principal?: string;
  /** API key that was presented. */
  apiKey?: string;
  /** Address. */
  source?: string;
  /** Method. */
  method?: string;
  /** Resource named in the request. */
  resource?: string;
  /** Code of the refusal, or "OK". */
  code?: string;
  /** How many. */
  count?: bigint | number;
}

/** Calls of one controller. */
export interface RecordedCalls {
  /** Each with its count. */
  calls: RecordedCall[];
}

/** What a program says of a RecordedCalls. */
export interface RecordedCallsInit {
  /** Each with its count. */
  calls?: readonly RecordedCallInit[];
}

/**
 * What the Raft log and snapshots hold. Internal: no client sends or receives these messages. An entry's data is one
 * Command in canonical form (fields by number, map entries by key, no unknown fields). Apply uses nothing but the
 * entry and the store: the leader stamps time and identifiers before it proposes. Generated from the schema by
 * api/tools/generate; do not edit.
 */

/**
 * Calls that were refused at the edge, equal ones counted together; and calls that change nothing but are recorded
 * all the same, with the code "OK": diagnostics.
 */
export interface DeniedCall {
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

/** What a program says of a DeniedCall. */
export interface DeniedCallInit {
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

/** Refused calls of one controller. */
export interface DeniedCalls {
  /** Each with its count. */
  calls: DeniedCall[];
}

/** What a program says of a DeniedCalls. */
export interface DeniedCallsInit {
  /** Each with its count. */
  calls?: readonly DeniedCallInit[];
}

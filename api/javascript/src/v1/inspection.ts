/**
 * Packet inspection: what is told of flows by their first packets. Generated from the schema by api/tools/generate;
 * do not edit.
 */

/**
 * By what an application was recognised, weakest first. EVIDENCE_UNSPECIFIED: Nothing: the application is not known;
 * EVIDENCE_PORT: The port that is usual for it; EVIDENCE_ADDRESS: The address, which is known to be its operator's;
 * EVIDENCE_DNS_ANSWER: The address, to which a DNS answer had sent the host that asked; EVIDENCE_RELATED: Another
 * flow between the same ends, which announced this one; EVIDENCE_PAYLOAD: The form of what was sent;
 * EVIDENCE_DNS_NAME: The name asked for in DNS; EVIDENCE_HTTP_HOST: The host that an HTTP request names;
 * EVIDENCE_TLS_NAME: The server name of a TLS ClientHello; EVIDENCE_QUIC_NAME: The server name in a QUIC Initial;
 * EVIDENCE_DESCRIPTION: Ports, prefixes or code points of an application that the organization describes.
 */
export type Evidence = | "EVIDENCE_UNSPECIFIED" | "EVIDENCE_PORT" | "EVIDENCE_ADDRESS" | "EVIDENCE_DNS_ANSWER" | "EVIDENCE_RELATED" | "EVIDENCE_PAYLOAD" | "EVIDENCE_DNS_NAME" | "EVIDENCE_HTTP_HOST" | "EVIDENCE_TLS_NAME" | "EVIDENCE_QUIC_NAME" | "EVIDENCE_DESCRIPTION" | `UNRECOGNIZED_${number}`;

/** Request of Classify. */
export interface ClassifyRequest {
  /** The organization, whose own applications are looked for first. Name of a organization. */
  parent: string;
  /**
   * A capture file: pcap or pcapng, of Ethernet, raw IP or Linux "any". At most 1,000,000 bytes; patronusctl sends
   * the first packets of each flow only, which is what matters.
   */
  capture: Uint8Array;
}

/** What a program says of a ClassifyRequest. */
export interface ClassifyRequestInit {
  /** The organization, whose own applications are looked for first. Name of a organization. */
  parent: string;
  /**
   * A capture file: pcap or pcapng, of Ethernet, raw IP or Linux "any". At most 1,000,000 bytes; patronusctl sends
   * the first packets of each flow only, which is what matters.
   */
  capture: Uint8Array;
}

/** A flow of a capture. */
export interface ClassifiedFlow {
  /** Address that sent the first packet. */
  source: string;
  /** Its port; 0 of protocols that have none. */
  sourcePort: number;
  /** Address that it was sent to. */
  destination: string;
  /** Its port. */
  destinationPort: number;
  /** IP protocol. */
  protocol: number;
  /** Name of the Application, when the organization describes one; else empty. */
  application: string;
  /** Signature, most specific first: "youtube"; "unknown" when there is none. */
  signature: string;
  /** What carries it, when that has a signature too: "quic"; else empty. */
  carrier: string;
  /** By what it was recognised. */
  evidence: Evidence;
  /** How sure that is, per cent. */
  confidence: number;
  /** Name of the host that was asked for; may be empty. */
  host: string;
  /** Packets, both ways. */
  packets: bigint;
  /** Bytes from the IP header on, both ways. */
  bytes: bigint;
  /** Packets after which it was known; 0: it was guessed at the end. */
  knownAfter: number;
}

/** What a program says of a ClassifiedFlow. */
export interface ClassifiedFlowInit {
  /** Address that sent the first packet. */
  source?: string;
  /** Its port; 0 of protocols that have none. */
  sourcePort?: number;
  /** Address that it was sent to. */
  destination?: string;
  /** Its port. */
  destinationPort?: number;
  /** IP protocol. */
  protocol?: number;
  /** Name of the Application, when the organization describes one; else empty. */
  application?: string;
  /** Signature, most specific first: "youtube"; "unknown" when there is none. */
  signature?: string;
  /** What carries it, when that has a signature too: "quic"; else empty. */
  carrier?: string;
  /** By what it was recognised. */
  evidence?: Evidence;
  /** How sure that is, per cent. */
  confidence?: number;
  /** Name of the host that was asked for; may be empty. */
  host?: string;
  /** Packets, both ways. */
  packets?: bigint | number;
  /** Bytes from the IP header on, both ways. */
  bytes?: bigint | number;
  /** Packets after which it was known; 0: it was guessed at the end. */
  knownAfter?: number;
}

/** Response of Classify. */
export interface ClassifyResponse {
  /** Flows in the order of their first packets; at most 4096. */
  flows: ClassifiedFlow[];
  /** Packets in the capture. */
  packets: bigint;
  /** Packets that are no IP, fragments behind the first, or damaged. */
  skipped: bigint;
  /** Flows beyond the limit, which are left out. */
  flowsLeftOut: bigint;
}

/** What a program says of a ClassifyResponse. */
export interface ClassifyResponseInit {
  /** Flows in the order of their first packets; at most 4096. */
  flows?: readonly ClassifiedFlowInit[];
  /** Packets in the capture. */
  packets?: bigint | number;
  /** Packets that are no IP, fragments behind the first, or damaged. */
  skipped?: bigint | number;
  /** Flows beyond the limit, which are left out. */
  flowsLeftOut?: bigint | number;
}

/** How many flows of one application were seen. */
export interface ApplicationUse {
  /** Name of the Application, or of the signature; "unknown" for what was not recognised. */
  readonly application: string;
  /** Flows recognised since the agent started. */
  readonly flows: bigint;
}

/** What a program says of a ApplicationUse. */
export type ApplicationUseInit = Record<string, never>;

/** What an edge inspects. Counts since the agent started; those of packets since the programs were loaded. */
export interface Inspection {
  /** Packets that were copied for inspection. */
  readonly sampled: bigint;
  /** Packets that should have been, but were above the rate or found no room. */
  readonly notSampled: bigint;
  /** Flows recognised. */
  readonly recognised: bigint;
  /** Flows given up. */
  readonly unknown: bigint;
  /** New flows whose first packet was steered by an address learned from DNS. */
  readonly cacheHits: bigint;
  /** New flows of which nothing was known. */
  readonly cacheMisses: bigint;
  /** Addresses that are known from DNS now. */
  readonly learnedAddresses: bigint;
  /** Times that descriptions and signatures were loaded anew. */
  readonly reloads: bigint;
  /** The applications with most flows; at most 64. */
  readonly applications: ApplicationUse[];
}

/** What a program says of a Inspection. */
export type InspectionInit = Record<string, never>;

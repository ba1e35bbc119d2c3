/** Types that several subsystems share. Generated from the schema by api/tools/generate; do not edit. */

/**
 * Whether a site or link takes part in forwarding. ADMIN_STATE_UNSPECIFIED: Treated as ACTIVE; ACTIVE: Forwards;
 * DRAINED: Takes no new traffic where another path exists; MAINTENANCE: Out of use.
 */
export type AdminState = | "ADMIN_STATE_UNSPECIFIED" | "ACTIVE" | "DRAINED" | "MAINTENANCE" | `UNRECOGNIZED_${number}`;

/**
 * The underlay technology of a link. TRANSPORT_UNSPECIFIED: Unknown; MPLS: A carrier's MPLS service; BROADBAND:
 * Cable, DSL, fibre; LTE: 4G; NR_5G: 5G; SATELLITE: Satellite.
 */
export type Transport = | "TRANSPORT_UNSPECIFIED" | "MPLS" | "BROADBAND" | "LTE" | "NR_5G" | "SATELLITE" | `UNRECOGNIZED_${number}`;

/**
 * What packets are for, as their DSCP says (RFC 4594). Edges count what they are offered by class.
 * TRAFFIC_CLASS_UNSPECIFIED: Treated as STANDARD; REALTIME: Voice and live video: EF, VA, CS5, CS4, AF4x;
 * INTERACTIVE: Transactions and control: AF2x, CS2, CS6, CS7; STREAMING: Recorded video: AF3x, CS3; STANDARD:
 * Everything else; BULK: Backups and updates: AF1x, CS1, LE.
 */
export type TrafficClass = | "TRAFFIC_CLASS_UNSPECIFIED" | "REALTIME" | "INTERACTIVE" | "STREAMING" | "STANDARD" | "BULK" | `UNRECOGNIZED_${number}`;

/** One aspect of a resource's health, as AIP-216 and Kubernetes users know it. */
export interface Condition {
  /** Aspect in UpperCamelCase, for example "Ready". */
  type: string;
  /** True when the aspect holds. */
  status: boolean;
  /** One UpperCamelCase word that says why. */
  reason: string;
  /** A sentence for people; says what to do when status is false. */
  message: string;
  /** When status last changed. */
  lastTransitionTime?: Date;
}

/** What a program says of a Condition. */
export interface ConditionInit {
  /** Aspect in UpperCamelCase, for example "Ready". */
  type?: string;
  /** True when the aspect holds. */
  status?: boolean;
  /** One UpperCamelCase word that says why. */
  reason?: string;
  /** A sentence for people; says what to do when status is false. */
  message?: string;
  /** When status last changed. */
  lastTransitionTime?: Date;
}

/** An inclusive range of transport ports. */
export interface PortRange {
  /** First port, 0..65535. */
  first: number;
  /** Last port, not below first. */
  last: number;
}

/** What a program says of a PortRange. */
export interface PortRangeInit {
  /** First port, 0..65535. */
  first?: number;
  /** Last port, not below first. */
  last?: number;
}

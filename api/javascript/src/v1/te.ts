/**
 * Traffic engineering: demands, what-if questions, draining, and the solutions that the leader found. Generated from
 * the schema by api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { AdminState, Condition, TrafficClass } from "./common.js";
import type { PathConstraints, PathConstraintsInit } from "./policy.js";

/**
 * Traffic that is expected between two sites, entered by hand: it stands beside what is measured when a what-if
 * question says so. It moves nothing by itself.
 */
export interface Demand extends Resource {
  /** Resource name: organizations/{organization}/demands/{demand}. Assigned from the parent and the id. */
  name: string;
  /** Unique for ever, also across deletion and re-creation of the same name. */
  readonly uid: string;
  /** Digest of the user's fields; send it back in Update or Delete to detect a concurrent change (AIP-154). */
  readonly etag: string;
  /** Log index of the last change of a user's field. */
  readonly revision: bigint;
  /** When the resource was created, by the leader's clock. */
  readonly createTime?: Date;
  /** When a user's field last changed, by the leader's clock. */
  readonly updateTime?: Date;
  /** Short key-value pairs for selection by filters. */
  labels: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations: Record<string, string>;
  /** A name for people. */
  displayName: string;
  /** True while nodes have not yet reached the declared state. */
  readonly reconciling: boolean;
  /** Health, aspect by aspect. */
  readonly conditions: Condition[];
  /** Newest revision that every node concerned has applied. */
  readonly observedRevision: bigint;
  /** Where the traffic comes from. Name of a site. */
  sourceSite: string;
  /** Where it goes to; another site. Name of a site. */
  destinationSite: string;
  /** What it is for. */
  trafficClass: TrafficClass;
  /** How much, bit/s. From 1 to 400000000000 bit/s. */
  rateBps: bigint;
}

/** What a program says of a Demand. */
export interface DemandInit {
  /** Resource name: organizations/{organization}/demands/{demand}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Where the traffic comes from. Name of a site. */
  sourceSite: string;
  /** Where it goes to; another site. Name of a site. */
  destinationSite: string;
  /** What it is for. */
  trafficClass?: TrafficClass;
  /** How much, bit/s. From 1 to 400000000000 bit/s. */
  rateBps: bigint | number;
}

/** Fields of Demand that can be changed. */
export type DemandFields = Omit<DemandInit, "name">;

/** One cell of the traffic matrix, as measured by the source's edge. */
export interface MatrixCell {
  /** Site that the traffic comes from. */
  sourceSite: string;
  /** Site that it goes to. */
  destinationSite: string;
  /** What it is for. */
  trafficClass: TrafficClass;
  /** Mean of the newest interval, bit/s. */
  rateBps: bigint;
  /** Half of the last hour's intervals were below this, bit/s. */
  p50Bps: bigint;
  /** 95 of 100 were, bit/s. */
  p95Bps: bigint;
  /** Largest of the last hour, bit/s. */
  maxBps: bigint;
  /** What the next interval will bring, by level and trend, bit/s. */
  forecastBps: bigint;
  /** What this hour of the day (UTC) used to bring, bit/s; 0 while it is not known. */
  usualBps: bigint;
  /** Bytes offered since the leader began to count. */
  bytes: bigint;
}

/** What a program says of a MatrixCell. */
export interface MatrixCellInit {
  /** Site that the traffic comes from. */
  sourceSite?: string;
  /** Site that it goes to. */
  destinationSite?: string;
  /** What it is for. */
  trafficClass?: TrafficClass;
  /** Mean of the newest interval, bit/s. */
  rateBps?: bigint | number;
  /** Half of the last hour's intervals were below this, bit/s. */
  p50Bps?: bigint | number;
  /** 95 of 100 were, bit/s. */
  p95Bps?: bigint | number;
  /** Largest of the last hour, bit/s. */
  maxBps?: bigint | number;
  /** What the next interval will bring, by level and trend, bit/s. */
  forecastBps?: bigint | number;
  /** What this hour of the day (UTC) used to bring, bit/s; 0 while it is not known. */
  usualBps?: bigint | number;
  /** Bytes offered since the leader began to count. */
  bytes?: bigint | number;
}

/** Request of GetTrafficMatrix. */
export interface GetTrafficMatrixRequest {
  /** The organization. Name of a organization. */
  parent: string;
  /** Leave out cells whose rate and p95 are below this, bit/s. */
  minRateBps: bigint;
}

/** What a program says of a GetTrafficMatrixRequest. */
export interface GetTrafficMatrixRequestInit {
  /** The organization. Name of a organization. */
  parent: string;
  /** Leave out cells whose rate and p95 are below this, bit/s. */
  minRateBps?: bigint | number;
}

/** Response of GetTrafficMatrix. */
export interface GetTrafficMatrixResponse {
  /** Ascending by source, destination, class. */
  cells: MatrixCell[];
  /** Length of an interval, milliseconds. */
  intervalMs: number;
  /** Sum of the newest rates, bit/s. */
  totalBps: bigint;
}

/** What a program says of a GetTrafficMatrixResponse. */
export interface GetTrafficMatrixResponseInit {
  /** Ascending by source, destination, class. */
  cells?: readonly MatrixCellInit[];
  /** Length of an interval, milliseconds. */
  intervalMs?: number;
  /** Sum of the newest rates, bit/s. */
  totalBps?: bigint | number;
}

/** Traffic that a what-if question adds. */
export interface AddedDemand {
  /** Where it comes from. Name of a site. */
  sourceSite: string;
  /** Where it goes to. Name of a site. */
  destinationSite: string;
  /** What it is for. */
  trafficClass: TrafficClass;
  /** How much, bit/s. From 1 to 400000000000 bit/s. */
  rateBps: bigint;
}

/** What a program says of a AddedDemand. */
export interface AddedDemandInit {
  /** Where it comes from. Name of a site. */
  sourceSite: string;
  /** Where it goes to. Name of a site. */
  destinationSite: string;
  /** What it is for. */
  trafficClass?: TrafficClass;
  /** How much, bit/s. From 1 to 400000000000 bit/s. */
  rateBps?: bigint | number;
}

/** A link that a what-if question adds, or changes. */
export interface ChangedLink {
  /** Name of a link that exists, or one of an existing site that does not exist yet. */
  link: string;
  /** Rate from the site, bit/s; 0 leaves it. From 0 to 400000000000 bit/s. */
  capacityUpBps: bigint;
  /** Rate to the site, bit/s; 0 leaves it. From 0 to 400000000000 bit/s. */
  capacityDownBps: bigint;
  /** For a new link: its underlay. */
  underlay: string;
  /** Administrative cost; 0 leaves it. From 0 to 65535. */
  cost: number;
}

/** What a program says of a ChangedLink. */
export interface ChangedLinkInit {
  /** Name of a link that exists, or one of an existing site that does not exist yet. */
  link: string;
  /** Rate from the site, bit/s; 0 leaves it. From 0 to 400000000000 bit/s. */
  capacityUpBps?: bigint | number;
  /** Rate to the site, bit/s; 0 leaves it. From 0 to 400000000000 bit/s. */
  capacityDownBps?: bigint | number;
  /** For a new link: its underlay. */
  underlay?: string;
  /** Administrative cost; 0 leaves it. From 0 to 65535. */
  cost?: number;
}

/** Request of WhatIf. Nothing is changed; everything named happens together. */
export interface WhatIfRequest {
  /** The organization. Name of a organization. */
  parent: string;
  /** Links that fail. Name of a link. The order carries no meaning. */
  failLinks: string[];
  /** Sites that fail. Name of a site. The order carries no meaning. */
  failSites: string[];
  /** Shared-risk groups that fail: every link with such a number. The order carries no meaning. */
  failSrlgs: number[];
  /** Traffic that comes on top. */
  demands: AddedDemand[];
  /** Links that are added or changed. */
  links: ChangedLink[];
  /** Take the Demand resources in, beside what is measured. */
  planned: boolean;
  /** Measured traffic grows to this many percent; 0 means 100. From 0 to 10000. */
  scalePercent: number;
}

/** What a program says of a WhatIfRequest. */
export interface WhatIfRequestInit {
  /** The organization. Name of a organization. */
  parent: string;
  /** Links that fail. Name of a link. The order carries no meaning. */
  failLinks?: readonly string[];
  /** Sites that fail. Name of a site. The order carries no meaning. */
  failSites?: readonly string[];
  /** Shared-risk groups that fail: every link with such a number. The order carries no meaning. */
  failSrlgs?: readonly number[];
  /** Traffic that comes on top. */
  demands?: readonly AddedDemandInit[];
  /** Links that are added or changed. */
  links?: readonly ChangedLinkInit[];
  /** Take the Demand resources in, beside what is measured. */
  planned?: boolean;
  /** Measured traffic grows to this many percent; 0 means 100. From 0 to 10000. */
  scalePercent?: number;
}

/** One direction of a link in an answer. */
export interface LinkUtilization {
  /** The link. */
  link: string;
  /** True: from the site; false: to the site. */
  up: boolean;
  /** Its capacity, bit/s. */
  capacityBps: bigint;
  /** What it carries now, bit/s. */
  beforeBps: bigint;
  /** What it would carry, bit/s. */
  afterBps: bigint;
  /** The latter as a share of its capacity, parts per million. */
  afterPpm: bigint;
}

/** What a program says of a LinkUtilization. */
export interface LinkUtilizationInit {
  /** The link. */
  link?: string;
  /** True: from the site; false: to the site. */
  up?: boolean;
  /** Its capacity, bit/s. */
  capacityBps?: bigint | number;
  /** What it carries now, bit/s. */
  beforeBps?: bigint | number;
  /** What it would carry, bit/s. */
  afterBps?: bigint | number;
  /** The latter as a share of its capacity, parts per million. */
  afterPpm?: bigint | number;
}

/** A pair of sites whose traffic takes another way. */
export interface MovedPath {
  /** Source. */
  sourceSite: string;
  /** Destination. */
  destinationSite: string;
  /** The links that it leaves by now. */
  before: string[];
  /** The links that it would leave by; empty: none is left. */
  after: string[];
  /** Traffic of the pair, bit/s. */
  rateBps: bigint;
}

/** What a program says of a MovedPath. */
export interface MovedPathInit {
  /** Source. */
  sourceSite?: string;
  /** Destination. */
  destinationSite?: string;
  /** The links that it leaves by now. */
  before?: readonly string[];
  /** The links that it would leave by; empty: none is left. */
  after?: readonly string[];
  /** Traffic of the pair, bit/s. */
  rateBps?: bigint | number;
}

/** A pair of sites that would miss an SLA profile which it meets now. */
export interface SlaRisk {
  /** Source. */
  sourceSite: string;
  /** Destination. */
  destinationSite: string;
  /** The profile; empty when the pair would be cut off. */
  slaProfile: string;
  /** A sentence. */
  reason: string;
}

/** What a program says of a SlaRisk. */
export interface SlaRiskInit {
  /** Source. */
  sourceSite?: string;
  /** Destination. */
  destinationSite?: string;
  /** The profile; empty when the pair would be cut off. */
  slaProfile?: string;
  /** A sentence. */
  reason?: string;
}

/** What more capacity at one place would be worth. */
export interface ShadowPrice {
  /** The link. */
  link: string;
  /** True: from the site; false: to the site. */
  up: boolean;
  /** So much more capacity here, bit/s, */
  addedBps: bigint;
  /** lets so much more traffic through, bit/s, */
  relievedBps: bigint;
  /** and brings the highest utilisation of all links to this, parts per million. */
  maxUtilizationPpm: bigint;
}

/** What a program says of a ShadowPrice. */
export interface ShadowPriceInit {
  /** The link. */
  link?: string;
  /** True: from the site; false: to the site. */
  up?: boolean;
  /** So much more capacity here, bit/s, */
  addedBps?: bigint | number;
  /** lets so much more traffic through, bit/s, */
  relievedBps?: bigint | number;
  /** and brings the highest utilisation of all links to this, parts per million. */
  maxUtilizationPpm?: bigint | number;
}

/**
 * What becomes of one class of traffic. What does not fit is taken from the lowest class first: REALTIME keeps its
 * room, then INTERACTIVE, STREAMING, STANDARD, BULK.
 */
export interface ClassOutcome {
  /** The class. */
  trafficClass: TrafficClass;
  /** Its traffic, bit/s. */
  demandBps: bigint;
  /** What of it would not be carried, bit/s. */
  unmetBps: bigint;
}

/** What a program says of a ClassOutcome. */
export interface ClassOutcomeInit {
  /** The class. */
  trafficClass?: TrafficClass;
  /** Its traffic, bit/s. */
  demandBps?: bigint | number;
  /** What of it would not be carried, bit/s. */
  unmetBps?: bigint | number;
}

/** Response of WhatIf. */
export interface WhatIfResponse {
  /** Every direction of a link that carries something before or after, the fullest first. */
  links: LinkUtilization[];
  /** Highest utilisation now, parts per million. */
  beforePpm: bigint;
  /** Highest utilisation then, parts per million. */
  afterPpm: bigint;
  /** All traffic then, bit/s. */
  demandBps: bigint;
  /** Traffic that would not be carried, bit/s. */
  unmetBps: bigint;
  /** Pairs of sites with traffic that would be cut off. */
  cutOff: number;
  /** Pairs of sites whose traffic would take another way. */
  pathsMoved: number;
  /** The largest 100 of them. */
  moved: MovedPath[];
  /** At most 100. */
  slaAtRisk: SlaRisk[];
  /** Where more capacity would help most, at most 8; empty while nothing is full. */
  shadowPrices: ShadowPrice[];
  /** Revision of the state that the answer is about. */
  revision: bigint;
  /** Class by class, those with traffic; the first is served first. */
  classes: ClassOutcome[];
}

/** What a program says of a WhatIfResponse. */
export interface WhatIfResponseInit {
  /** Every direction of a link that carries something before or after, the fullest first. */
  links?: readonly LinkUtilizationInit[];
  /** Highest utilisation now, parts per million. */
  beforePpm?: bigint | number;
  /** Highest utilisation then, parts per million. */
  afterPpm?: bigint | number;
  /** All traffic then, bit/s. */
  demandBps?: bigint | number;
  /** Traffic that would not be carried, bit/s. */
  unmetBps?: bigint | number;
  /** Pairs of sites with traffic that would be cut off. */
  cutOff?: number;
  /** Pairs of sites whose traffic would take another way. */
  pathsMoved?: number;
  /** The largest 100 of them. */
  moved?: readonly MovedPathInit[];
  /** At most 100. */
  slaAtRisk?: readonly SlaRiskInit[];
  /** Where more capacity would help most, at most 8; empty while nothing is full. */
  shadowPrices?: readonly ShadowPriceInit[];
  /** Revision of the state that the answer is about. */
  revision?: bigint | number;
  /** Class by class, those with traffic; the first is served first. */
  classes?: readonly ClassOutcomeInit[];
}

/** Request of Drain. */
export interface DrainRequest {
  /** A site or a link. */
  name: string;
  /** Drain also when the rest lacks capacity, or something would be cut off. */
  force: boolean;
  /** Only say what it would do. */
  validateOnly: boolean;
}

/** What a program says of a DrainRequest. */
export interface DrainRequestInit {
  /** A site or a link. */
  name: string;
  /** Drain also when the rest lacks capacity, or something would be cut off. */
  force?: boolean;
  /** Only say what it would do. */
  validateOnly?: boolean;
}

/** Response of Drain and Undrain. */
export interface DrainResponse {
  /** The site or link. */
  name: string;
  /** Its state now. */
  adminState: AdminState;
  /** What it does to the rest. */
  effect?: WhatIfResponse;
  /** Nodes that forward by the new state. */
  nodes: number;
  /** Time from the request until the last of them did, milliseconds. */
  tookMs: number;
}

/** What a program says of a DrainResponse. */
export interface DrainResponseInit {
  /** The site or link. */
  name?: string;
  /** Its state now. */
  adminState?: AdminState;
  /** What it does to the rest. */
  effect?: WhatIfResponseInit;
  /** Nodes that forward by the new state. */
  nodes?: number;
  /** Time from the request until the last of them did, milliseconds. */
  tookMs?: number;
}

/** Request of Undrain. */
export interface UndrainRequest {
  /** A site or a link. */
  name: string;
}

/** What a program says of a UndrainRequest. */
export interface UndrainRequestInit {
  /** A site or a link. */
  name: string;
}

/** Request of ExplainDemand. */
export interface ExplainDemandRequest {
  /** Source. Name of a site. */
  sourceSite: string;
  /** Destination. Name of a site. */
  destinationSite: string;
  /** Answer with the paths that keep these, found for the question: what a steering rule with REQUIRE would use. */
  constraints?: PathConstraints;
}

/** What a program says of a ExplainDemandRequest. */
export interface ExplainDemandRequestInit {
  /** Source. Name of a site. */
  sourceSite: string;
  /** Destination. Name of a site. */
  destinationSite: string;
  /** Answer with the paths that keep these, found for the question: what a steering rule with REQUIRE would use. */
  constraints?: PathConstraintsInit;
}

/** What a path carries of one class of a pair. */
export interface ClassShare {
  /** The class. */
  trafficClass: TrafficClass;
  /** Share of the pair's traffic of that class, parts per million. */
  sharePpm: number;
}

/** What a program says of a ClassShare. */
export interface ClassShareInit {
  /** The class. */
  trafficClass?: TrafficClass;
  /** Share of the pair's traffic of that class, parts per million. */
  sharePpm?: number;
}

/** A path of a pair of sites, and why it carries what it carries. */
export interface ExplainedPath {
  /** Name of the path. */
  path: string;
  /** Links that it takes: local and remote end of each tunnel, in order. */
  links: string[];
  /** 0 carries; the others wait in this order. */
  tier: number;
  /** Share of the pair's traffic, parts per million. */
  sharePpm: number;
  /** What it costs: administrative cost, delay and penalties, microseconds. */
  metric: bigint;
  /** Utilisation of its fullest link, parts per million. */
  utilizationPpm: bigint;
  /** Why it is in this tier. */
  reason: string;
  /** Round trip over all of its tunnels, microseconds; 0: not measured. */
  rttUs: bigint;
  /** Loss over all of its tunnels, parts per million. */
  lossPpm: number;
  /** Capacity of its narrowest link, bit/s; 0: not known. */
  capacityBps: bigint;
  /** Classes that are split otherwise than the pair as a whole. */
  classShares: ClassShare[];
}

/** What a program says of a ExplainedPath. */
export interface ExplainedPathInit {
  /** Name of the path. */
  path?: string;
  /** Links that it takes: local and remote end of each tunnel, in order. */
  links?: readonly string[];
  /** 0 carries; the others wait in this order. */
  tier?: number;
  /** Share of the pair's traffic, parts per million. */
  sharePpm?: number;
  /** What it costs: administrative cost, delay and penalties, microseconds. */
  metric?: bigint | number;
  /** Utilisation of its fullest link, parts per million. */
  utilizationPpm?: bigint | number;
  /** Why it is in this tier. */
  reason?: string;
  /** Round trip over all of its tunnels, microseconds; 0: not measured. */
  rttUs?: bigint | number;
  /** Loss over all of its tunnels, parts per million. */
  lossPpm?: number;
  /** Capacity of its narrowest link, bit/s; 0: not known. */
  capacityBps?: bigint | number;
  /** Classes that are split otherwise than the pair as a whole. */
  classShares?: readonly ClassShareInit[];
}

/** Response of ExplainDemand. */
export interface ExplainDemandResponse {
  /** Best first. */
  paths: ExplainedPath[];
  /** Traffic of the pair, bit/s. */
  rateBps: bigint;
  /** Epoch of the solution. */
  epoch: bigint;
  /**
   * Failures of single links, sites and shared-risk groups that would hit every path in the first tier but leave one
   * that waits: the node takes it by itself.
   */
  repairedFailures: number;
  /** Those that would cut the pair off: no way is left. */
  cuttingFailures: string[];
  /** With constraints: why no path keeps them. Empty when one does. */
  noPathReason: string;
}

/** What a program says of a ExplainDemandResponse. */
export interface ExplainDemandResponseInit {
  /** Best first. */
  paths?: readonly ExplainedPathInit[];
  /** Traffic of the pair, bit/s. */
  rateBps?: bigint | number;
  /** Epoch of the solution. */
  epoch?: bigint | number;
  /**
   * Failures of single links, sites and shared-risk groups that would hit every path in the first tier but leave one
   * that waits: the node takes it by itself.
   */
  repairedFailures?: number;
  /** Those that would cut the pair off: no way is left. */
  cuttingFailures?: readonly string[];
  /** With constraints: why no path keeps them. Empty when one does. */
  noPathReason?: string;
}

/** One direction of a link as the solver saw it. */
export interface SolutionLink {
  /** The link. */
  link: string;
  /** True: from the site; false: to the site. */
  up: boolean;
  /** Capacity, bit/s; 0 unknown. */
  capacityBps: bigint;
  /** Load by the solution, bit/s. */
  loadBps: bigint;
}

/** What a program says of a SolutionLink. */
export interface SolutionLinkInit {
  /** The link. */
  link?: string;
  /** True: from the site; false: to the site. */
  up?: boolean;
  /** Capacity, bit/s; 0 unknown. */
  capacityBps?: bigint | number;
  /** Load by the solution, bit/s. */
  loadBps?: bigint | number;
}

/** One path of a pair in a solution. */
export interface SolutionPath {
  /** Path id. */
  path: bigint;
  /** Indices into Solution.links. */
  links: number[];
  /** Weight among the paths of the pair before; they add to 256, or are 0 for a new pair. */
  weightBefore: number;
  /** Weight that was found. */
  weight: number;
  /** Weight that shortest paths and free capacity alone would give. */
  weightDefault: number;
  /** Good enough to carry traffic while something is full. */
  eligible: boolean;
}

/** What a program says of a SolutionPath. */
export interface SolutionPathInit {
  /** Path id. */
  path?: bigint | number;
  /** Indices into Solution.links. */
  links?: readonly number[];
  /** Weight among the paths of the pair before; they add to 256, or are 0 for a new pair. */
  weightBefore?: number;
  /** Weight that was found. */
  weight?: number;
  /** Weight that shortest paths and free capacity alone would give. */
  weightDefault?: number;
  /** Good enough to carry traffic while something is full. */
  eligible?: boolean;
}

/** One pair of a solution. */
export interface SolutionPair {
  /** Source. */
  sourceSite: string;
  /** Destination. */
  destinationSite: string;
  /** Traffic, bit/s. */
  rateBps: bigint;
  /** Its paths, in order of the solver. */
  paths: SolutionPath[];
  /** The class that this is about; unspecified: all of the pair's traffic. */
  trafficClass: TrafficClass;
}

/** What a program says of a SolutionPair. */
export interface SolutionPairInit {
  /** Source. */
  sourceSite?: string;
  /** Destination. */
  destinationSite?: string;
  /** Traffic, bit/s. */
  rateBps?: bigint | number;
  /** Its paths, in order of the solver. */
  paths?: readonly SolutionPathInit[];
  /** The class that this is about; unspecified: all of the pair's traffic. */
  trafficClass?: TrafficClass;
}

/** A solution with everything that it was computed from. */
export interface Solution {
  /** Counts the solutions of a leader's term. */
  epoch: bigint;
  /** Revision of the state. */
  revision: bigint;
  /** When, by the leader's clock. */
  time?: Date;
  /**
   * "kept": the weights of before still do; "default": shortest paths; "solved": the solver's; "fair": the solver's
   * where not everything fits: what there is goes to the classes in their order, REALTIME first, and in a class is
   * max-min fair.
   */
  kind: string;
  /** Highest utilisation, parts per million. */
  utilizationPpm: bigint;
  /** The solver's bound on it: no weights on these paths do better. 0 when it was not asked. */
  boundPpm: bigint;
  /** Certified distance of the two, parts per million. */
  gapPpm: bigint;
  /** Steps in which the nodes get it. */
  steps: number;
  /** No link exceeds its capacity in any interleaving of any step. */
  promised: boolean;
  /** Largest difference between a split and its weight, parts per million. */
  roundingPpm: bigint;
  /** Highest utilisation in the worst interleaving, parts per million. */
  worstPpm: bigint;
  /** What was in force was to be kept while nothing was fuller than this, parts per million. */
  keepBelowPpm: bigint;
  /** Links; the paths name them by index. */
  links: SolutionLink[];
  /** Pairs with traffic. */
  pairs: SolutionPair[];
}

/** What a program says of a Solution. */
export interface SolutionInit {
  /** Counts the solutions of a leader's term. */
  epoch?: bigint | number;
  /** Revision of the state. */
  revision?: bigint | number;
  /** When, by the leader's clock. */
  time?: Date;
  /**
   * "kept": the weights of before still do; "default": shortest paths; "solved": the solver's; "fair": the solver's
   * where not everything fits: what there is goes to the classes in their order, REALTIME first, and in a class is
   * max-min fair.
   */
  kind?: string;
  /** Highest utilisation, parts per million. */
  utilizationPpm?: bigint | number;
  /** The solver's bound on it: no weights on these paths do better. 0 when it was not asked. */
  boundPpm?: bigint | number;
  /** Certified distance of the two, parts per million. */
  gapPpm?: bigint | number;
  /** Steps in which the nodes get it. */
  steps?: number;
  /** No link exceeds its capacity in any interleaving of any step. */
  promised?: boolean;
  /** Largest difference between a split and its weight, parts per million. */
  roundingPpm?: bigint | number;
  /** Highest utilisation in the worst interleaving, parts per million. */
  worstPpm?: bigint | number;
  /** What was in force was to be kept while nothing was fuller than this, parts per million. */
  keepBelowPpm?: bigint | number;
  /** Links; the paths name them by index. */
  links?: readonly SolutionLinkInit[];
  /** Pairs with traffic. */
  pairs?: readonly SolutionPairInit[];
}

/** Request of ListSolutions. */
export interface ListSolutionsRequest {
  /** The organization. Name of a organization. */
  parent: string;
  /** Leave links and pairs out. */
  summary: boolean;
  /**
   * Only the solution of this epoch; 0: all. One that is larger than a reply, 4 MiB, comes as its summary, or in
   * parts.
   */
  epoch: bigint;
  /** With an epoch: this part of its links and pairs, about 1 MiB, from 1. All parts together are the solution. */
  part: number;
}

/** What a program says of a ListSolutionsRequest. */
export interface ListSolutionsRequestInit {
  /** The organization. Name of a organization. */
  parent: string;
  /** Leave links and pairs out. */
  summary?: boolean;
  /**
   * Only the solution of this epoch; 0: all. One that is larger than a reply, 4 MiB, comes as its summary, or in
   * parts.
   */
  epoch?: bigint | number;
  /** With an epoch: this part of its links and pairs, about 1 MiB, from 1. All parts together are the solution. */
  part?: number;
}

/** Response of ListSolutions. */
export interface ListSolutionsResponse {
  /** The newest first; the leader keeps 16. None when the epoch that was asked for is not kept. */
  solutions: Solution[];
  /**
   * With an epoch: how many parts it has; 0: it is a summary. The leader keeps 64 MiB of solutions, the newest,
   * whole.
   */
  parts: number;
}

/** What a program says of a ListSolutionsResponse. */
export interface ListSolutionsResponseInit {
  /** The newest first; the leader keeps 16. None when the epoch that was asked for is not kept. */
  solutions?: readonly SolutionInit[];
  /**
   * With an epoch: how many parts it has; 0: it is a summary. The leader keeps 64 MiB of solutions, the newest,
   * whole.
   */
  parts?: number;
}

/** Request of MeasureBandwidth. */
export interface MeasureBandwidthRequest {
  /** The path. It must be alive, and its edge connected. Name of a path. */
  name: string;
  /**
   * Look no higher than this, bit/s: also what bounds the rate of a train of probes. 0 means 1 Gbit/s. From 0 to
   * 1000000000 bit/s.
   */
  maxRateBps: bigint;
}

/** What a program says of a MeasureBandwidthRequest. */
export interface MeasureBandwidthRequestInit {
  /** The path. It must be alive, and its edge connected. Name of a path. */
  name: string;
  /**
   * Look no higher than this, bit/s: also what bounds the rate of a train of probes. 0 means 1 Gbit/s. From 0 to
   * 1000000000 bit/s.
   */
  maxRateBps?: bigint | number;
}

/**
 * Response of MeasureBandwidth: what the path could carry there besides what it carries now, counting whole IP
 * packets of the links. It lies between low_bps and high_bps.
 */
export interface MeasureBandwidthResponse {
  /** The path. */
  name: string;
  /** The estimate, bit/s. */
  rateBps: bigint;
  /** Trains up to this rate came as fast as they were sent, bit/s; 0: not even the slowest one did. */
  lowBps: bigint;
  /** A train of this rate came slower than it was sent, bit/s; 0: none did, and there is more than was looked for. */
  highBps: bigint;
  /** Trains that were sent. */
  trains: number;
  /** Packets in them. */
  packets: number;
  /** Bytes in them. */
  bytes: bigint;
  /** How long it took, milliseconds. */
  durationMs: number;
}

/** What a program says of a MeasureBandwidthResponse. */
export interface MeasureBandwidthResponseInit {
  /** The path. */
  name?: string;
  /** The estimate, bit/s. */
  rateBps?: bigint | number;
  /** Trains up to this rate came as fast as they were sent, bit/s; 0: not even the slowest one did. */
  lowBps?: bigint | number;
  /** A train of this rate came slower than it was sent, bit/s; 0: none did, and there is more than was looked for. */
  highBps?: bigint | number;
  /** Trains that were sent. */
  trains?: number;
  /** Packets in them. */
  packets?: number;
  /** Bytes in them. */
  bytes?: bigint | number;
  /** How long it took, milliseconds. */
  durationMs?: number;
}

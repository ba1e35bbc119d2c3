/**
 * Who is behind an address: the sessions of users, by which steering rules know users and groups. Generated from the
 * schema by api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition } from "./common.js";

/**
 * A user who is logged in: whose packets those from an address are, until when. Whoever authenticates users (a
 * captive portal, RADIUS accounting, a VPN gateway) creates one at login, updates expire_time while the user is
 * there, and deletes it at logout.
 */
export interface UserSession extends Resource {
  /** Resource name: organizations/{organization}/userSessions/{user_session}. Assigned from the parent and the id. */
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
  /** Who, as steering rules name users. */
  user: string;
  /** What the user belongs to, as steering rules name groups. The order carries no meaning. */
  groups: string[];
  /**
   * Where the addresses are: packets from them are the user's when they come from a host of this site. Only its nodes
   * are told. Name of a site.
   */
  site: string;
  /** The segment of the addresses. Name of a segment. */
  segment: string;
  /** The user's addresses. The order carries no meaning. */
  addresses: string[];
  /** From then on the addresses are nobody's. Nodes enforce it by their own clocks, also without a controller. */
  expireTime?: Date;
}

/** What a program says of a UserSession. */
export interface UserSessionInit {
  /** Resource name: organizations/{organization}/userSessions/{user_session}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Who, as steering rules name users. */
  user: string;
  /** What the user belongs to, as steering rules name groups. The order carries no meaning. */
  groups?: readonly string[];
  /**
   * Where the addresses are: packets from them are the user's when they come from a host of this site. Only its nodes
   * are told. Name of a site.
   */
  site: string;
  /** The segment of the addresses. Name of a segment. */
  segment: string;
  /** The user's addresses. The order carries no meaning. */
  addresses: readonly string[];
  /** From then on the addresses are nobody's. Nodes enforce it by their own clocks, also without a controller. */
  expireTime: Date;
}

/** Fields of UserSession that can be changed. */
export type UserSessionFields = Omit<UserSessionInit, "name">;

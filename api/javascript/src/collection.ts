/** Collections: the standard methods of a kind. */
import { randomUUID } from "node:crypto";
import { bodyField, fitting, idOf, parentOf, pathOf } from "./call.js";
import type { CallOptions, Kind, Requests, Session } from "./call.js";
import { decode, encode, methodOf } from "./codec.js";
import type { Plain } from "./codec.js";
import { PatronusError } from "./errors.js";
import { OPTIONAL, SETS } from "./v1/kinds.js";
import { ResourceNotFound } from "./v1/reasons.js";

/** What every resource has. */
export interface Resource {
  /** Its name, from the top: organizations/acme/sites/nyc. */
  name: string;
  /** Digest of the user's fields. */
  readonly etag: string;
  /** Log index of the last change of a user's field. */
  readonly revision: bigint;
}

/** Options of get. */
export interface GetOptions extends CallOptions {
  /** Let any controller answer from its own state, which may be behind. */
  stale?: boolean;
}

/** Options of list. */
export interface ListOptions extends GetOptions {
  /** Which resources, for example 'region = "eu" AND labels.tier = "gold"'. */
  filter?: string;
  /** Field to order by, optionally followed by " desc". */
  orderBy?: string;
  /** Most resources in one page; pages are read as they are needed. */
  pageSize?: number;
}

/** Options of page. */
export interface PageOptions extends ListOptions {
  /** nextPageToken of the page before; the first page when unset. */
  pageToken?: string;
}

/** One page of a list. */
export interface Page<R> {
  /** What is on it. */
  readonly resources: R[];
  /** Gets the next page; "" on the last one. */
  readonly nextPageToken: string;
  /** Log index as of which it was read. */
  readonly revision: bigint;
}

/** Options of every change. */
export interface WriteOptions extends CallOptions {
  /** Makes a repetition safe, also over a restart of your program; random when unset. */
  requestId?: string;
  /** Check everything, change nothing. */
  validateOnly?: boolean;
}

/** Options of update. */
export interface UpdateOptions extends WriteOptions {
  /** Fails with EtagMismatch when the resource has another one. A resource that was read brings its own. */
  etag?: string;
  /** Create the resource when it does not exist. */
  allowMissing?: boolean;
}

/** Options of delete. */
export interface DeleteOptions extends WriteOptions {
  /** Fail with EtagMismatch when the resource has another one. */
  etag?: string;
  /** Delete what is below too. */
  force?: boolean;
  /** Succeed when the resource does not exist. */
  allowMissing?: boolean;
}

/** Outcome of apply. */
export interface Applied<R> {
  /** As it is now. */
  readonly resource: R;
  /** What was done. */
  readonly action: "created" | "updated" | "unchanged";
  /** Fields that differed; all that were given when it was created. */
  readonly changedFields: string[];
}

/** Fields to change; null clears one. */
export type Patch<P> = { [K in keyof P]?: P[K] | null };

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const writeFlags = (options: WriteOptions): Plain => ({
  requestId: options.requestId ?? randomUUID().replaceAll("-", ""),
  validateOnly: options.validateOnly,
});

/** How the names of methods begin that change nothing: they may be repeated whatever became of the first try. */
const READS = /^(Get|List|Read|Plan|Check|Test|Explain|WhatIf)/;

/** Methods of one service. */
export class Service {
  constructor(protected readonly session: Session) {}

  protected async custom(path: string, request: object, options: CallOptions): Promise<Plain> {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (methodOf(path).input.fields.some((field) => field.name === "request_id")) {
      return this.session.call(path, { requestId: randomUUID().replaceAll("-", ""), ...request }, options);
    }
    return this.session.call(path, request as Plain, options, READS.test(name));
  }

  protected async *messages(path: string, request: object, options: CallOptions): AsyncGenerator<Plain> {
    const { input, output } = methodOf(path);
    const { transport, current } = this.session;
    try {
      for await (const data of transport.stream(current, path, encode(input, request as Plain), options.signal)) {
        yield decode(output, data);
      }
    } catch (error) {
      throw this.turnedAway(error, current);
    }
  }

  /** Sent once, because what has been taken from an iterator is gone. */
  protected async upload(path: string, requests: Requests<object>, options: CallOptions): Promise<Plain> {
    const { input, output } = methodOf(path);
    const { transport, current } = this.session;
    const encoded = async function* (): AsyncGenerator<Uint8Array> {
      for await (const request of requests) yield encode(input, request as Plain);
    };
    try {
      return decode(output, await transport.upload(current, path, encoded(), options.timeoutMs, options.signal));
    } catch (error) {
      throw this.turnedAway(error, current);
    }
  }

  /** A server that is not available is left, so that the caller's next try goes to another one. */
  private turnedAway(error: unknown, server: number): unknown {
    if (error instanceof PatronusError && error.code === "UNAVAILABLE") this.session.next(server);
    return error;
  }
}

/** Resources of one kind that can be read. */
export class ReadCollection<R extends Resource> extends Service {
  constructor(
    session: Session,
    /** What the schema says of the kind. */
    readonly kind: Kind,
  ) {
    super(session);
  }

  /** Read one. */
  async get(name: string, options: GetOptions = {}): Promise<R> {
    const path = pathOf(this.kind, "get");
    return (await this.session.call(path, fitting(path, { name, stale: options.stale }), options)) as unknown as R;
  }

  /**
   * Each resource below a parent, page by page as they are needed. "-" in place of an id reads across collections:
   * "organizations/-". "" reads everything.
   */
  async *list(parent = "", options: ListOptions = {}): AsyncGenerator<R, void, undefined> {
    for (let pageToken = ""; ; ) {
      const page = await this.page(parent, { ...options, pageToken });
      yield* page.resources;
      if (page.nextPageToken === "") {
        return;
      }
      pageToken = page.nextPageToken;
    }
  }

  /** One page, for programs that keep the token themselves. */
  async page(parent = "", options: PageOptions = {}): Promise<Page<R>> {
    const path = pathOf(this.kind, "list");
    const { filter, orderBy, pageSize, pageToken, stale } = options;
    const everywhere = this.kind.pattern.replaceAll("*", "-").split("/").slice(0, -2).join("/");
    const values = { parent: parent === "" ? everywhere : parent, filter, orderBy, pageSize, pageToken, stale };
    const reply = await this.session.call(path, fitting(path, values), options);
    const resources = reply[bodyField(path, this.kind, "output")] as R[];
    return { resources, nextPageToken: reply["nextPageToken"] as string, revision: reply["revision"] as bigint };
  }
}

/**
 * Resources of one kind that can be read and changed. Each change carries a random request id, so that a retry is answered
 * and not done twice.
 */
export class Collection<R extends Resource, I extends { name: string }, P extends object> extends ReadCollection<R> {
  /** Create a resource under its name; gives it as it is stored. */
  async create(resource: I, options: WriteOptions = {}): Promise<R> {
    const path = pathOf(this.kind, "create");
    const ids = methodOf(path).input.fields.filter((field) => field.name.endsWith("_id") && field.name !== "request_id");
    const request = {
      ...fitting(path, { parent: parentOf(resource.name), ...writeFlags(options) }),
      [ids[0]?.localName ?? ""]: idOf(resource.name),
      [bodyField(path, this.kind)]: this.only(resource, [...this.kind.settable, "name"], true),
    };
    return (await this.session.call(path, request, options)) as unknown as R;
  }

  /** Change fields by name and patch; null clears one. Or send back a resource that was read and assigned to, with its etag. */
  async update(target: string | R, patch: Patch<P> = {}, options: UpdateOptions = {}): Promise<R> {
    const path = pathOf(this.kind, "update");
    const read = typeof target === "string" ? { name: target, etag: "" } : target;
    const own = typeof target === "string" ? [] : this.kind.settable.filter((f) => !this.kind.immutable.includes(f) && f in read);
    const paths = [...new Set([...own, ...Object.keys(patch).filter((f) => (patch as Plain)[f] !== undefined)])];
    const unknown = paths.find((field) => !this.kind.settable.includes(field));
    if (unknown !== undefined) {
      throw new TypeError(`${this.kind.name} has no field "${unknown}" to set; it has ${this.kind.settable.join(", ")}`);
    }
    const etag = options.etag ?? read.etag;
    const body = { ...this.only({ ...read, ...patch }, paths, false), name: read.name, ...(etag === "" ? {} : { etag }) };
    const request = {
      ...fitting(path, { ...writeFlags(options), allowMissing: options.allowMissing }),
      [bodyField(path, this.kind)]: body,
      updateMask: paths.map(snake),
    };
    return (await this.session.call(path, request, options)) as unknown as R;
  }

  /** Delete one; gives the revision of the change. */
  async delete(target: string | R, options: DeleteOptions = {}): Promise<bigint> {
    const path = pathOf(this.kind, "delete");
    const name = typeof target === "string" ? target : target.name;
    const etag = options.etag ?? (typeof target === "string" ? "" : target.etag);
    const flags = { ...writeFlags(options), etag, force: options.force, allowMissing: options.allowMissing };
    return (await this.session.call(path, { ...fitting(path, flags), name }, options))["revision"] as bigint;
  }

  /** Make the resource be as declared: create it, or write the fields it sets that differ. Safe to repeat. */
  async apply(resource: I, options: WriteOptions = {}): Promise<Applied<R>> {
    const given = this.kind.settable.filter((field) => (resource as Plain)[field] !== undefined);
    let present: R;
    try {
      present = await this.get(resource.name, options);
    } catch (error) {
      if (error instanceof PatronusError && error instanceof ResourceNotFound) {
        return { resource: await this.create(resource, options), action: "created", changedFields: given };
      }
      throw error;
    }
    const { name } = this.kind;
    const changedFields = given.filter(
      (field) => !same(`${name}.${field}`, (resource as Plain)[field], (present as unknown as Plain)[field]),
    );
    if (changedFields.length === 0) {
      return { resource: present, action: "unchanged", changedFields };
    }
    const patch = this.only(resource, changedFields, false) as Patch<P>;
    const after = await this.update(resource.name, patch, { ...options, etag: present.etag });
    return { resource: after, action: "updated", changedFields };
  }

  private only(from: object, fields: readonly string[], strict: boolean): Plain {
    const plain = from as Plain;
    const known = new Set([...this.kind.settable, "name"]);
    const foreign = strict ? Object.keys(plain).find((f) => !known.has(f) && methodOf(pathOf(this.kind, "get")).output.field[f] === undefined) : undefined;
    if (foreign !== undefined) {
      throw new TypeError(`${this.kind.name} has no field "${foreign}"; it has ${[...known].join(", ")}`);
    }
    return Object.fromEntries(fields.map((field) => [field, plain[field]]));
  }
}

/** Equal as the server sees it: what is not set equals its default; the lists named in SETS have no order. */
function same(place: string, one: unknown, two: unknown): boolean {
  if (OPTIONAL.has(place) && (one === undefined) !== (two === undefined)) {
    return false;
  }
  if (Array.isArray(one) && Array.isArray(two)) {
    if (one.length !== two.length) {
      return false;
    }
    return SETS.has(place)
      ? one.every((element) => two.some((other) => same("", element, other)))
      : one.every((element, i) => same(place, element, two[i]));
  }
  if (one instanceof Date && two instanceof Date) {
    return one.getTime() === two.getTime();
  }
  if (one instanceof Uint8Array && two instanceof Uint8Array) {
    return Buffer.compare(one, two) === 0;
  }
  if (isPlain(one) && isPlain(two)) {
    return [...new Set([...Object.keys(one), ...Object.keys(two)])].every((key) => same(`${place}.${key}`, one[key], two[key]));
  }
  if ((typeof one === "bigint" || typeof two === "bigint") && !blank(one) && !blank(two)) {
    return BigInt(one as bigint | number) === BigInt(two as bigint | number);
  }
  return one === two || (blank(one) && blank(two));
}

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function blank(value: unknown): boolean {
  const empty = Array.isArray(value) ? value.length === 0 : isPlain(value) && Object.keys(value).length === 0;
  return value === undefined || value === null || value === "" || value === 0 || value === 0n || value === false || empty
    || (typeof value === "string" && value.endsWith("_UNSPECIFIED"));
}

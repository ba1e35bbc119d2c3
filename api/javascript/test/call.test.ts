/** Retries, pages, apply and watches without a network: the world is a script of outcomes, the clock a number. */
import assert from "node:assert/strict";
import test from "node:test";
import { decode, encode, messageOf, methodOf } from "../src/codec.js";
import type { Plain } from "../src/codec.js";
import { makeError } from "../src/errors.js";
import { readDetails } from "../src/transport.js";
import type { Transport } from "../src/transport.js";
import * as p from "../src/index.js";

type Outcome = Uint8Array | p.PatronusError | "silent";
interface Call { server: number; path: string; request: Plain; timeoutMs: number }

/** Each call or message takes the next outcome; what is not in the script is nobody there. */
class World implements Transport {
  readonly calls: Call[] = [];
  readonly opened: Call[] = [];
  private ms = 0;

  constructor(private readonly outcomes: Outcome[], readonly servers: string[] = ["a:1", "b:1", "c:1"]) {}

  private take(timeoutMs: number): Uint8Array {
    const outcome = this.outcomes.shift() ?? nobody();
    if (outcome === "silent") {
      this.ms += timeoutMs;
      throw makeError("too late", { code: "DEADLINE_EXCEEDED" });
    }
    if (outcome instanceof p.PatronusError) {
      throw outcome;
    }
    return outcome;
  }

  async unary(server: number, path: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    this.calls.push({ server, path, request: decode(methodOf(path).input, payload), timeoutMs });
    return this.take(timeoutMs);
  }

  async *stream(server: number, path: string, payload: Uint8Array): AsyncGenerator<Uint8Array> {
    this.opened.push({ server, path, request: decode(methodOf(path).input, payload), timeoutMs: 0 });
    for (;;) {
      yield this.take(0);
    }
  }

  async upload(server: number, path: string, payloads: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    for await (const payload of payloads) {
      this.opened.push({ server, path, request: decode(methodOf(path).input, payload), timeoutMs: 0 });
    }
    return this.take(0);
  }

  now(): number {
    return this.ms;
  }

  async sleep(ms: number): Promise<void> {
    this.ms += ms;
  }

  close(): void {
    this.outcomes.length = 0;
  }
}

const NYC = "organizations/acme/sites/nyc";
const nobody = (reason = ""): p.PatronusError => makeError("nobody is there", { code: "UNAVAILABLE", reason });
const site = (fields: Plain = {}): Uint8Array => encode(messageOf("Site"), { name: NYC, ...fields });
const client = (world: World): p.Client => new p.Client({ transport: world });

test("a mutation is repeated with its request id at the next server", async () => {
  const world = new World([nobody(), nobody("LEADER_CHANGED"), site()]);
  await client(world).sites.create({ name: NYC, region: "eu" });
  assert.deepEqual(world.calls.map((call) => call.server), [0, 1, 2]);
  assert.equal(new Set(world.calls.map((call) => call.request["requestId"])).size, 1);
  assert.equal(world.calls[0]?.request["parent"], "organizations/acme");
  assert.equal(world.calls[0].request["siteId"], "nyc");
});

test("another method is not repeated when it may have been done", async () => {
  const world = new World([nobody("LEADER_CHANGED")]);
  await assert.rejects(client(world).cluster.transferLeadership({}), p.LeaderChanged);
  assert.equal(world.calls.length, 1);
});

test("another method with a request id is repeated with it", async () => {
  const name = "organizations/acme/changeSets/c";
  const world = new World([nobody("LEADER_CHANGED"), encode(messageOf("ChangeSet"), { name })]);
  const confirmed = await client(world).changeSets.confirmChangeSet({ name });
  assert.equal(confirmed.name, name);
  assert.equal(world.calls.length, 2);
  assert.equal(new Set(world.calls.map((call) => call.request["requestId"])).size, 1);
  assert.match(String(world.calls[0]?.request["requestId"]), /^[0-9a-f]{32}$/);
});

test("a stream is sent once, and the next one to the next server", async () => {
  const name = "organizations/acme/models/m/versions/v1";
  const world = new World([nobody(), encode(messageOf("ModelVersion"), { name })]);
  const sending = client(world);
  const pieces = [{ name, data: new Uint8Array([1, 2]) }, { data: new Uint8Array([3]) }];
  await assert.rejects(sending.artifact.uploadArtifact(pieces), p.PatronusError);
  assert.equal((await sending.artifact.uploadArtifact(pieces)).name, name);
  assert.deepEqual(world.opened.map((one) => one.server), [0, 0, 1, 1]);
  assert.deepEqual(world.opened[1]?.request["data"], new Uint8Array([3]));
});

test("a refusal is not repeated, and says where and why", async () => {
  const world = new World([makeError("no", { code: "INVALID_ARGUMENT", reason: "FIELD_INVALID", field: "region" })]);
  await assert.rejects(client(world).sites.get(NYC), (error: p.PatronusError) => {
    assert(error instanceof p.FieldInvalid);
    assert.equal(error.field, "region");
    assert.equal(error.message, "region: no (INVALID_ARGUMENT, FIELD_INVALID)");
    return true;
  });
  assert.equal(world.calls.length, 1);
});

test("nobody answers", async () => {
  const world = new World([]);
  await assert.rejects(client(world).sites.get(NYC, { timeoutMs: 5000 }), p.Unavailable);
  assert.equal(Math.round(world.now()), 5000);
  assert.equal(new Set(world.calls.map((call) => call.server)).size, 3);
});

test("a silent server gets a part of the time", async () => {
  const world = new World(["silent", site()]);
  await client(world).sites.get(NYC);
  assert.equal(world.now(), 3000);
  assert.equal(world.calls[1]?.server, 1);
});

test("an overloaded server is given time, not left", async () => {
  const busy = makeError("busy", { code: "RESOURCE_EXHAUSTED", reason: "OVERLOADED" });
  const world = new World([busy, busy, busy, site()]);
  await client(world).sites.get(NYC);
  assert.deepEqual(world.calls.map((call) => call.server), [0, 0, 0, 0]);
  assert(world.now() > 0);
});

test("pages are read as they are needed", async () => {
  const { output } = methodOf("/patronus.v1.SiteService/ListSites");
  const page = (i: number): Uint8Array =>
    encode(output, { sites: [{ name: `organizations/acme/sites/s${i}` }], nextPageToken: i < 2 ? `t${i}` : "" });
  const world = new World([page(0), page(1), page(2)]);
  const names: string[] = [];
  for await (const found of client(world).sites.list("organizations/acme")) {
    names.push(found.name.slice(-2));
  }
  assert.deepEqual(names, ["s0", "s1", "s2"]);
  assert.deepEqual(world.calls.map((call) => call.request["pageToken"]), ["", "t0", "t1"]);
});

test("an update names what it changes; what was read carries its etag", async () => {
  const world = new World([site(), site()]);
  await client(world).sites.update(NYC, { location: "x", adminState: "DRAINED", region: null });
  assert.deepEqual(world.calls[0]?.request["updateMask"], ["location", "adminState", "region"].map((f) => f === "adminState" ? "admin_state" : f));
  const read = decode(messageOf("Site"), site({ etag: "e1", region: "eu", siteLabel: 7 })) as unknown as p.Site;
  read.location = "y";
  await client(world).sites.update(read);
  const body = world.calls[1]?.request["site"] as p.Site;
  assert.deepEqual([body.etag, body.location, body.region, body.siteLabel], ["e1", "y", "eu", 0]);
});

test("fields and values that do not exist are refused here", async () => {
  const world = new World([]);
  await assert.rejects(client(world).sites.update(NYC, { colour: "red" } as object), /Site has no field "colour" to set/);
  await assert.rejects(client(world).sites.create({ name: NYC, colour: "red" } as p.SiteInit), /Site has no field "colour"/);
  await assert.rejects(client(world).sites.update(NYC, { adminState: "CLOSED" as p.AdminState }), /"CLOSED" is not one of/);
  assert.equal(world.calls.length, 0);
});

test("apply writes what is declared and differs, and nothing the second time", async () => {
  const world = new World([site({ region: "eu", location: "kept" }), site(), site({ region: "us" })]);
  const first = await client(world).sites.apply({ name: NYC, region: "us" });
  assert.deepEqual([first.action, first.changedFields], ["updated", ["region"]]);
  assert.equal((await client(world).sites.apply({ name: NYC, region: "us" })).action, "unchanged");
  const fabric = (fields: Plain): Uint8Array => encode(messageOf("Fabric"), { name: "organizations/a/fabrics/f", ...fields });
  const zero = new World([fabric({}), fabric({ maxTransitSites: 0 }), fabric({ maxTransitSites: 0 })]);
  const declared = { name: "organizations/a/fabrics/f", maxTransitSites: 0 };
  assert.equal((await client(zero).fabrics.apply(declared)).action, "updated");
  assert.equal((await client(zero).fabrics.apply(declared)).action, "unchanged");
});

test("sets have no order at any depth, lists have", async () => {
  const name = "organizations/a/sites/s/edges/e";
  const lan = (...prefixes: string[]): Plain[] => [{ interface: "lan0", segment: "organizations/a/segments/g", prefixes }];
  const stored = encode(messageOf("Edge"), { name, roles: ["HUB", "BRANCH"], lanInterfaces: lan("10.0.1.0/24", "10.0.0.0/24") });
  const declared = { name, roles: ["BRANCH", "HUB"], lanInterfaces: lan("10.0.0.0/24", "10.0.1.0/24") } as unknown as p.EdgeInit;
  assert.equal((await client(new World([stored])).edges.apply(declared)).action, "unchanged");
  const { changedFields } = await client(new World([stored, stored])).edges.apply({ ...declared, roles: ["HUB"] });
  assert.deepEqual(changedFields, ["roles"]);
});

// ---- watch

const WATCH = "/patronus.v1.WatchService/Watch";

function event(number: number, options: { type?: string; token?: boolean; revision?: number } = {}): Uint8Array {
  const { type = "ADDED", token = true, revision = number } = options;
  return encode(methodOf(WATCH).output, {
    type, name: `organizations/acme/sites/s${number}`, revision, resumeToken: token ? `t${number}` : "",
  });
}

async function told(world: World, options: p.WatchOptions = {}): Promise<string[]> {
  const found: string[] = [];
  await assert.rejects(async () => {
    for await (const one of client(world).watch(options)) {
      found.push(`${one.type} ${one.name.slice(-2)}@${one.revision.toString()}`);
    }
  }, p.HistoryCompacted);
  return found;
}

const compacted = makeError("too old", { code: "OUT_OF_RANGE", reason: "HISTORY_COMPACTED" });

test("a watch goes on right behind its last event", async () => {
  const world = new World([event(1), event(2), nobody(), nobody(), event(3), event(4, { type: "BOOKMARK" }), compacted]);
  assert.deepEqual(await told(world, { kinds: ["sites"] }), ["ADDED s1@1", "ADDED s2@2", "ADDED s3@3"]);
  assert.deepEqual(world.opened.map((o) => o.request["resumeToken"]), ["", "t2", "t2"]);
  assert.deepEqual(world.opened.map((o) => o.server), [0, 1, 2]);
});

test("a transaction cut in its middle is told once", async () => {
  const [first, second] = [event(1, { token: false }), event(2, { token: false })];
  const world = new World([first, second, nobody(), first, nobody(), first, second, event(3), event(4), compacted]);
  assert.deepEqual(await told(world), ["ADDED s1@1", "ADDED s2@2", "ADDED s3@3", "ADDED s4@4"]);
});

test("an initial state cut in its middle is told once, with what changed meanwhile", async () => {
  const first = [event(1, { token: false }), event(2, { token: false }), nobody()];
  const second = [event(2, { token: false, revision: 7 }), event(3, { token: false }), event(9, { type: "BOOKMARK" }), event(4)];
  const world = new World([...first, ...second, compacted]);
  assert.deepEqual(await told(world, { sendInitial: true }), [
    "ADDED s1@1", "ADDED s2@2", "MODIFIED s2@7", "ADDED s3@3", "DELETED s1@1", "ADDED s4@4",
  ]);
});

test("a watch has patience and then gives up", async () => {
  const world = new World([event(1)]);
  await assert.rejects(async () => {
    for await (const one of client(world).watch({ patienceMs: 10_000 })) {
      assert.equal(one.revision, 1n);
    }
  }, p.Unavailable);
  assert(world.now() > 10_000 && world.now() < 12_000);
});

// ---- values and errors

test("values make the round trip", () => {
  const time = new Date("2030-01-02T03:04:05.678Z");
  const all = { name: "n", lastSeenTime: time, labels: { a: "雪" }, roles: ["HUB", "UNRECOGNIZED_77"], appliedGeneration: 2n ** 64n - 1n };
  const back = decode(messageOf("Edge"), encode(messageOf("Edge"), all));
  for (const [key, value] of Object.entries(all)) {
    assert.deepEqual(back[key], value, key);
  }
  for (const evaluationWindow of [10, 0.5, -1.25]) {
    assert.equal(decode(messageOf("SlaProfile"), encode(messageOf("SlaProfile"), { evaluationWindow }))["evaluationWindow"], evaluationWindow);
  }
  assert.equal(decode(messageOf("Link"), encode(messageOf("Link"), { capacityUpBps: 100 }))["capacityUpBps"], 100n);
});

test("every reason has a class of its own", () => {
  const classes = p.REASONS.map((reason) => makeError("x", { reason }).constructor);
  assert.equal(new Set(classes).size, p.REASONS.length);
  assert.equal(makeError("x", { reason: "FROM_THE_FUTURE", code: "ABORTED" }).constructor, p.PatronusError);
});

test("nonsense in details is no harm", () => {
  let seed = 8;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  for (let i = 0; i < 3000; i++) {
    readDetails(Uint8Array.from({ length: random(80) }, () => random(256)));
  }
});

test("credentials", () => {
  const block = (what: string, i: number): string => `-----BEGIN ${what}-----\n${i}\n-----END ${what}-----\n`;
  const found = p.parseCredential(["CERTIFICATE", "EC PRIVATE KEY", "CERTIFICATE", "CERTIFICATE"].map(block).join(""));
  assert.match(found.certificate, /\n0\n/);
  assert.match(found.key, /\n1\n/);
  assert.match(found.ca, /\n2\n[^]*\n3\n/);
  assert.throws(() => p.parseCredential(""), /the certificate is missing/);
  assert.throws(() => p.loadCredential("/nowhere.pem"), p.CredentialInvalid);
});

test("every kind and method is there", () => {
  const services = client(new World([])) as unknown as Record<string, Record<string, unknown>>;
  for (const kind of Object.values(p.KINDS)) {
    const collection = services[p.COLLECTIONS[kind.name]];
    for (const verb of Object.keys(kind.methods)) {
      assert.equal(typeof collection?.[verb], "function", `${kind.name}.${verb}`);
    }
  }
  for (const [home, name] of Object.values(p.METHODS)) {
    assert.equal(typeof services[home]?.[name], "function", name);
  }
});

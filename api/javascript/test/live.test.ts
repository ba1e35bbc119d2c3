/** The SDK against three real controllers (tests/clients/javascript.sh): changes, refusals, pages, watches, cancellation. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import test from "node:test";
import * as p from "../src/index.js";

const cluster = process.env["CLUSTER_DIR"];
const skip = cluster === undefined ? "there is no cluster; run tests/clients/javascript.sh" : false;

function control(words: string): string {
  const script = `set -euo pipefail; . tests/clients/cluster.sh; cluster_attach ${cluster ?? ""}; ${words}`;
  return execFileSync("bash", ["-c", script], { cwd: process.env["PT_ROOT"], encoding: "utf8" }).trim();
}

async function withOrg(id: string, body: (client: p.Client, org: string) => Promise<void>): Promise<void> {
  const client = new p.Client();
  const org = `organizations/js-${id}`;
  await client.organizations.create({ name: org, tier: "ENTERPRISE" });
  try {
    await body(client, org);
  } finally {
    await client.organizations.delete(org, { force: true, timeoutMs: 30_000 });
    client.close();
  }
}

test("the life of a resource", { skip }, async () => {
  await withOrg("life", async (client, org) => {
    const name = `${org}/sites/nyc`;
    const made = await client.sites.create({ name, region: "us-east", labels: { tier: "gold" } });
    assert.deepEqual([made.region, made.labels], ["us-east", { tier: "gold" }]);
    assert(made.revision > 0n);
    await assert.rejects(client.sites.create({ name }), p.ResourceExists);
    const changed = await client.sites.update(name, { location: "Zürich 雪", region: null });
    assert.deepEqual([changed.location, changed.region], ["Zürich 雪", ""]);
    changed.adminState = "DRAINED";
    await client.sites.update(changed);
    assert.equal((await client.sites.get(name)).adminState, "DRAINED");
    await assert.rejects(client.sites.update(changed), p.EtagMismatch);
    assert.equal((await client.sites.apply({ name, adminState: "DRAINED" })).action, "unchanged");
    await client.sites.delete(name);
    await assert.rejects(client.sites.get(name), (error: p.PatronusError) => {
      assert(error instanceof p.ResourceNotFound);
      assert.equal(error.code, "NOT_FOUND");
      assert.match(error.message, /list the kind to see what there is/);
      return true;
    });
  });
});

test("refusals, validate only", { skip }, async () => {
  await withOrg("refusals", async (client, org) => {
    await assert.rejects(client.sites.create({ name: "organizations/nowhere/sites/a" }), p.ParentNotFound);
    await assert.rejects(client.sites.create({ name: `${org}/sites/a`, region: "NOT AN ID" }), (error: p.PatronusError) => {
      assert(error instanceof p.FieldInvalid);
      assert.match(error.field, /region$/);
      return true;
    });
    await client.sites.create({ name: `${org}/sites/a` }, { validateOnly: true });
    await assert.rejects(client.sites.get(`${org}/sites/a`), p.ResourceNotFound);
  });
});

test("250 resources, page by page", { skip }, async () => {
  await withOrg("pages", async (client, org) => {
    const names = Array.from({ length: 250 }, (_, i) => `${org}/sites/s${String(i).padStart(3, "0")}`);
    await Promise.all(names.map((name) => client.sites.create({ name })));
    for (const pageSize of [7, 100, 1000]) {
      const found: string[] = [];
      for await (const site of client.sites.list(org, { pageSize })) {
        found.push(site.name);
      }
      assert.deepEqual(found, names);
    }
    for await (const site of client.sites.list(org, { orderBy: "name desc" })) {
      assert.equal(site.name, names.at(-1));
      break;
    }
  });
});

test("a watch outlives its leader", { skip, timeout: 60_000 }, async () => {
  await withOrg("watch", async (client, org) => {
    const wanted = Array.from({ length: 60 }, (_, i) => `${org}/sites/s${String(i).padStart(2, "0")}`);
    const found: string[] = [];
    const reading = (async () => {
      for await (const event of client.watch({ parent: org, kinds: ["sites"], sendInitial: true })) {
        found.push(event.name);
        assert.equal(event.resource?.$kind, "Site");
        if (event.name === wanted.at(-1)) {
          return;
        }
      }
    })();
    for (const name of wanted) {
      if (name === wanted[30]) {
        control("cluster_kill_leader");
      }
      await client.sites.create({ name }, { timeoutMs: 30_000 });
    }
    await reading;
    assert.deepEqual(found, wanted);
    control("cluster_revive");
  });
});

test("an abort signal ends calls and watches", { skip }, async () => {
  const client = new p.Client();
  const reason = new Error("enough");
  await assert.rejects(client.organizations.get("organizations/a", { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const watching = (async () => {
    for await (const event of client.watch({ sendInitial: true, bookmarks: true, signal: controller.signal })) {
      if (event.type === "BOOKMARK") {
        controller.abort(reason);
      }
    }
  })();
  await assert.rejects(watching, reason);
  client.close();
  await assert.rejects(client.cluster.getClusterStatus(), p.Cancelled);
});

test("no server, deadlines, other methods", { skip }, async () => {
  using nobody = new p.Client({ servers: "127.0.0.1:1" });
  await assert.rejects(nobody.organizations.get("organizations/a", { timeoutMs: 500 }), (error: p.PatronusError) => {
    assert(error instanceof p.Unavailable || error instanceof p.DeadlineExceeded);
    return true;
  });
  using client = new p.Client({ servers: `127.0.0.1:1,${process.env["PATRONUS_SERVER"] ?? ""}` });
  const status = await client.cluster.getClusterStatus();
  assert.equal(status.controllers.length, 3);
});

test("streams both ways", { skip }, async () => {
  await withOrg("streams", async (client, org) => {
    const data = randomBytes(250_000);
    const digest = createHash("sha256").update(data).digest("hex");
    await client.models.create({ name: `${org}/models/m`, purpose: "dpi" });
    const { name } = await client.modelVersions.create({ name: `${org}/models/m/versions/v1`, digest, sizeBytes: data.length });
    const pieces = async function* (): AsyncGenerator<p.UploadArtifactRequestInit> {
      yield { name };
      for (let at = 0; at < data.length; at += 100_000) yield { data: data.subarray(at, at + 100_000) };
    };
    assert.equal((await client.artifact.uploadArtifact(pieces())).name, name);
    const found: Uint8Array[] = [];
    for await (const chunk of client.artifact.downloadArtifact({ name })) found.push(chunk.data);
    assert.deepEqual(Buffer.concat(found), data);
    await assert.rejects(client.artifact.uploadArtifact([{ name: `${org}/models/m/versions/none` }]), p.PatronusError);
    const own = new Error("my own");
    // eslint-disable-next-line require-yield
    const broken = async function* (): AsyncGenerator<p.UploadArtifactRequestInit> {
      throw own;
    };
    await assert.rejects(client.artifact.uploadArtifact(broken()), own);
  });
});

test("the example", { skip }, async () => {
  await withOrg("example", async (client, org) => {
    const run = (): string[] =>
      execFileSync(process.execPath, ["dist/examples/new-site.js", org.slice(14), "nyc"], { encoding: "utf8" }).trim().split("\n");
    assert.deepEqual(run().map((line) => line.split(" ")[0]), ["unchanged", ...Array<string>(6).fill("created")]);
    assert.deepEqual(run().map((line) => line.split(" ")[0]), Array<string>(7).fill("unchanged"));
    assert.equal((await client.links.get(`${org}/sites/nyc/links/inet0`)).capacityUpBps, 100_000_000n);
  });
});

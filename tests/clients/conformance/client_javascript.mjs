// Does the steps that client_javascript.py sends with the SDK: one line in, one line out.
import { createInterface } from "node:readline";
import { Client, COLLECTIONS, KINDS, PatronusError } from "@patronus-sdwan/client";

const own = new Client();
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const MAPS = new Set(["labels", "annotations", "metrics_millionths"]);

// Proto JSON with the schema's names, to and from what the SDK takes: times, durations and 64-bit numbers differ.
function fromJson(value, key = "") {
  if (Array.isArray(value)) return value.map((element) => fromJson(element, key));
  if (value !== null && typeof value === "object") {
    if (MAPS.has(key)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, key === "labels" || key === "annotations" ? v : BigInt(v)]));
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [camel(k), fromJson(v, k)]));
  }
  if (typeof value !== "string") return value;
  if (/_time$/.test(key)) return new Date(value);
  if (/^[0-9.]+s$/.test(value) && /window|interval|duration|timeout/.test(key)) return Number(value.slice(0, -1));
  if (/^[0-9]+$/.test(value) && /_bps$|_bytes$/.test(key)) return BigInt(value);
  return value;
}

function toJson(value, key = "") {
  if (Array.isArray(value)) return value.map((element) => toJson(element, key));
  if (value instanceof Date) return value.toISOString().replace(".000Z", "Z");
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && /Window$|Interval$|Duration$|Timeout$/.test(key)) {
    return `${Number.isInteger(value) ? value : value.toFixed(3)}s`;
  }
  if (value !== null && typeof value === "object") {
    const map = MAPS.has(snake(key));
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [map ? k : snake(k), toJson(v, map ? "" : k)]));
  }
  return value;
}

const steps = {
  create: async (collection, step) => ({
    fields: toJson(await collection.create({ ...fromJson(step.fields), name: step.name }, { validateOnly: step.validate_only })),
  }),
  get: async (collection, step) => {
    const signal = step.cancel_after_s === undefined ? undefined : AbortSignal.timeout(step.cancel_after_s * 1000);
    const timeoutMs = step.timeout_s === undefined ? undefined : step.timeout_s * 1000;
    return { fields: toJson(await collection.get(step.name, { timeoutMs, signal })) };
  },
  update: async (collection, step) => {
    const options = { etag: step.etag, validateOnly: step.validate_only };
    return { fields: toJson(await collection.update(step.name, fromJson(step.fields), options)) };
  },
  delete: async (collection, step) => {
    const options = { etag: step.etag, force: step.force, allowMissing: step.allow_missing, validateOnly: step.validate_only };
    await collection.delete(step.name, options);
    return {};
  },
  list: async (collection, step) => {
    const names = [];
    for await (const found of collection.list(step.parent ?? "", { filter: step.filter, pageSize: 1000 })) names.push(found.name);
    return { names };
  },
};

async function watch(client, step) {
  const events = [];
  let started = false;
  const { parent, kinds, send_initial: sendInitial } = step;
  for await (const event of client.watch({ parent, kinds, sendInitial, bookmarks: true, bookmarkInterval: 1 })) {
    if (event.type !== "BOOKMARK") {
      events.push(`${event.type} ${event.name}`);
    } else if (!started) {
      started = true; // the stream is open once it has said so
      say({ during: true });
    } else if (events.length >= step.expect.events.length) {
      return { events };
    }
  }
  return { events };
}

async function once(step) {
  const servers = { silent: process.env.PT_SILENT, none: process.env.PT_NONE }[step.server];
  const credential = step.as === "denied" ? process.env.PT_DENIED : undefined;
  const client = servers === undefined && credential === undefined ? own : new Client({ servers, credential });
  try {
    if (step.do === "watch") return await watch(client, step);
    const kind = Object.values(KINDS).find((candidate) => candidate.singular === step.kind);
    return await steps[step.do](client[COLLECTIONS[kind.name]], step);
  } catch (error) {
    if (error instanceof PatronusError) return { failure: [error.code, error.reason, error.field, error.text] };
    if (error.name === "TimeoutError") return { failure: ["CANCELLED", "", "", error.message] };
    return { failure: ["UNKNOWN", "", "", String(error)] };
  } finally {
    if (client !== own) client.close();
  }
}

for await (const line of createInterface({ input: process.stdin })) say(await once(JSON.parse(line)));
own.close();

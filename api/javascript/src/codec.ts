/**
 * Between plain objects and protobuf, by the schema's descriptors alone.
 *
 * The plain form is what a JavaScript programmer expects: camelCase fields, enums as strings, times as Date, durations in
 * seconds, 64-bit numbers as bigint. Unknown fields of a newer server are left out; an unknown enum number N reads as
 * "UNRECOGNIZED_N" and is sent back as N.
 */
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import type { FileRegistry } from "@bufbuild/protobuf";
import {
  FileDescriptorSetSchema, file_google_protobuf_any, file_google_protobuf_descriptor, file_google_protobuf_duration,
  file_google_protobuf_field_mask, file_google_protobuf_timestamp,
} from "@bufbuild/protobuf/wkt";
import { SCHEMA } from "./v1/schema.js";

/** A message as a plain object. */
export type Plain = Record<string, unknown>;

const UNRECOGNIZED = "UNRECOGNIZED_";
let registry: FileRegistry | undefined;

function files(): FileRegistry {
  if (registry === undefined) {
    const set = fromBinary(FileDescriptorSetSchema, Buffer.from(SCHEMA, "base64"));
    const known = [file_google_protobuf_any, file_google_protobuf_descriptor, file_google_protobuf_duration,
      file_google_protobuf_field_mask, file_google_protobuf_timestamp];
    registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...known.map((k) => k.proto), ...set.file] }));
  }
  return registry;
}

/** Descriptor of a message by its short name. */
export function messageOf(name: string): DescMessage {
  const found = files().getMessage(`patronus.v1.${name}`);
  if (found === undefined) {
    throw new Error(`the schema has no message ${name}`);
  }
  return found;
}

/** Descriptors of request and reply of "/package.Service/Method". */
export function methodOf(path: string): { input: DescMessage; output: DescMessage } {
  const [, service = "", name = ""] = path.split("/");
  const found = files().getService(service)?.methods.find((method) => method.name === name);
  if (found === undefined) {
    throw new Error(`the schema has no method ${path}`);
  }
  return found;
}

// ---- from protobuf

/** Bytes to a plain object. */
export function decode(desc: DescMessage, data: Uint8Array): Plain {
  return toPlain(desc, fromBinary(desc, data));
}

function toPlain(desc: DescMessage, message: Message): Plain {
  const from = message as unknown as Plain;
  const plain: Plain = {};
  for (const field of desc.fields) {
    const value = read(field, from);
    if (value !== undefined) {
      plain[field.localName] = value;
    }
  }
  return plain;
}

function read(field: DescField, from: Plain): unknown {
  if (field.oneof !== undefined) {
    const chosen = from[field.oneof.localName] as { case?: string; value?: unknown };
    return chosen.case === field.localName ? readOne(field, chosen.value) : undefined;
  }
  const value = from[field.localName];
  switch (field.fieldKind) {
    case "list":
      return (value as unknown[]).map((element) => readOne(field, element));
    case "map":
      return Object.fromEntries(Object.entries(value as Plain).map(([key, element]) => [key, readOne(field, element)]));
    default:
      return value === undefined ? undefined : readOne(field, value);
  }
}

function readOne(field: DescField, value: unknown): unknown {
  if (field.enum !== undefined) {
    return field.enum.value[value as number]?.name ?? `${UNRECOGNIZED}${value as number}`;
  }
  if (field.message === undefined) {
    return value;
  }
  switch (field.message.typeName) {
    case "google.protobuf.Timestamp": {
      const { seconds, nanos } = value as { seconds: bigint; nanos: number };
      return new Date(Number(seconds) * 1000 + Math.trunc(nanos / 1e6));
    }
    case "google.protobuf.Duration": {
      const { seconds, nanos } = value as { seconds: bigint; nanos: number };
      return Number(seconds) + nanos / 1e9;
    }
    case "google.protobuf.FieldMask":
      return (value as { paths: string[] }).paths;
    case "google.protobuf.Any": {
      const { typeUrl, value: data } = value as { typeUrl: string; value: Uint8Array };
      const found = files().getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
      return found === undefined ? undefined : { ...decode(found, data), $kind: found.name };
    }
    default:
      return toPlain(field.message, value as Message);
  }
}

// ---- to protobuf

/** A plain object to bytes; what is undefined or null is not set. A field that the message does not have is an error. */
export function encode(desc: DescMessage, plain: Plain): Uint8Array {
  return toBinary(desc, create(desc, toInit(desc, plain)));
}

function toInit(desc: DescMessage, plain: Plain): Plain {
  const init: Plain = {};
  for (const [name, value] of Object.entries(plain)) {
    if (value === undefined || value === null || name === "$kind") {
      continue;
    }
    const field = desc.field[name];
    if (field === undefined) {
      const known = desc.fields.map((f) => f.localName).join(", ");
      throw new TypeError(`${desc.name} has no field "${name}"; it has ${known}`);
    }
    const written = write(field, value);
    if (field.oneof === undefined) {
      init[name] = written;
    } else {
      init[field.oneof.localName] = { case: name, value: written };
    }
  }
  return init;
}

function write(field: DescField, value: unknown): unknown {
  if (field.fieldKind === "list") {
    return (value as unknown[]).map((element) => writeOne(field, element));
  }
  if (field.fieldKind === "map") {
    return Object.fromEntries(Object.entries(value as Plain).map(([key, element]) => [key, writeOne(field, element)]));
  }
  return writeOne(field, value);
}

function writeOne(field: DescField, value: unknown): unknown {
  if (field.enum !== undefined) {
    return enumNumber(field, value);
  }
  if (field.message === undefined) {
    const wide = "scalar" in field && [3, 4, 6, 16, 18].includes(field.scalar); // 64-bit
    return wide && typeof value === "number" ? BigInt(value) : value;
  }
  switch (field.message.typeName) {
    case "google.protobuf.Timestamp": {
      const ms = (value as Date).getTime();
      const seconds = Math.floor(ms / 1000);
      return { seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1e6 };
    }
    case "google.protobuf.Duration": {
      const seconds = Math.trunc(value as number);
      return { seconds: BigInt(seconds), nanos: Math.round(((value as number) - seconds) * 1e9) };
    }
    case "google.protobuf.FieldMask":
      return { paths: value };
    default:
      return toInit(field.message, value as Plain);
  }
}

function enumNumber(field: DescField, value: unknown): number {
  const text = String(value);
  if (text.startsWith(UNRECOGNIZED)) {
    return Number(text.slice(UNRECOGNIZED.length));
  }
  const found = field.enum?.values.find((candidate) => candidate.name === text);
  if (found === undefined) {
    const known = field.enum?.values.map((candidate) => candidate.name).join(", ") ?? "";
    throw new TypeError(`${field.localName}: "${text}" is not one of ${known}`);
  }
  return found.number;
}

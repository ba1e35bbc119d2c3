/**
 * What touches the network, behind an interface, so that retries and watches are tested without one. Nothing is sent
 * without TLS, and the CA of the credential is the only one that is trusted.
 */
import { Client as GrpcClient, credentials as grpcCredentials, Metadata } from "@grpc/grpc-js";
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { Credential } from "./credential.js";
import { CODES, makeError } from "./errors.js";
import type { PatronusError } from "./errors.js";

/** The world as the calls need it. */
export interface Transport {
  readonly servers: readonly string[];
  /** One call at one server; rejects with a PatronusError, or with the signal's reason. */
  unary(server: number, path: string, payload: Uint8Array, timeoutMs: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Messages of a stream; throws as unary does. Leaving the iteration cancels it. */
  stream(server: number, path: string, payload: Uint8Array, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** A stream of messages to one server, and its reply; rejects as unary does. */
  upload(server: number, path: string, payloads: AsyncIterable<Uint8Array>, timeoutMs?: number, signal?: AbortSignal): Promise<Uint8Array>;
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  close(): void;
}

const OPTIONS = {
  "grpc.keepalive_time_ms": 5000,
  "grpc.keepalive_timeout_ms": 3000,
  "grpc.max_receive_message_length": 64 << 20,
  "grpc.enable_retries": 0, // call.ts retries, and knows what may be repeated
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
  "grpc.use_local_subchannel_pool": 1,
};

const same = (data: Uint8Array): Buffer => Buffer.from(data);
const asBytes = (data: Buffer): Uint8Array => data;

/** Number and value of each field of a protobuf message; ends where the data is not sound. */
function* fieldsOf(data: Uint8Array): Generator<[number, Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < data.length; scale *= 128) {
      const byte = data[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        return value;
      }
    }
    return Number.MAX_SAFE_INTEGER;
  };
  while (at < data.length) {
    const tag = varint();
    const size = { 0: 0, 1: 8, 2: -1, 5: 4 }[tag % 8];
    if (size === undefined) {
      return;
    }
    const length = size === 0 ? (varint(), 0) : size < 0 ? varint() : size;
    if (at + length > data.length) {
      return;
    }
    yield [Math.floor(tag / 8), data.subarray(at, at + length)];
    at += length;
  }
}

/** Reason and field of a google.rpc.Status, whose few fields are read by hand: no further package for them. */
export function readDetails(data: Uint8Array): { reason: string; field: string } {
  const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
  for (const [number, value] of fieldsOf(data)) {
    const detail = new Map(number === 3 ? fieldsOf(value) : []);
    if (!text(detail.get(1)).endsWith("google.rpc.ErrorInfo")) {
      continue;
    }
    let reason = "";
    let field = "";
    for (const [part, content] of fieldsOf(detail.get(2) ?? new Uint8Array())) {
      const entry = new Map(part === 3 ? fieldsOf(content) : []);
      reason = part === 1 ? text(content) : reason;
      field = text(entry.get(1)) === "field" ? text(entry.get(2)) : field;
    }
    return { reason, field };
  }
  return { reason: "", field: "" };
}

function toError(failure: ServiceError, server: string): PatronusError {
  const details = failure.metadata.get("grpc-status-details-bin")[0];
  const info = details instanceof Buffer ? readDetails(details) : {};
  const code = CODES[failure.code] ?? "UNKNOWN";
  return makeError(failure.details === "" ? "the server gave no reason" : failure.details, { ...info, code, server });
}

/** gRPC over mTLS. */
export class GrpcTransport implements Transport {
  private readonly clients = new Map<number, GrpcClient>();
  private closed = false;

  constructor(readonly servers: readonly string[], private readonly credential: Credential) {}

  private client(server: number): GrpcClient {
    if (this.closed) {
      throw makeError("the client is closed", { code: "CANCELLED" });
    }
    let found = this.clients.get(server);
    if (found === undefined) {
      const { ca, key, certificate } = this.credential;
      const tls = grpcCredentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(certificate));
      found = new GrpcClient(this.servers[server] ?? "", tls, OPTIONS);
      this.clients.set(server, found);
    }
    return found;
  }

  async unary(server: number, path: string, payload: Uint8Array, timeoutMs: number, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const client = this.client(server);
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + timeoutMs;
      const call = client.makeUnaryRequest(path, same, asBytes, payload, new Metadata(), { deadline }, (failure, reply) => {
        signal?.removeEventListener("abort", abort);
        if (failure === null && reply !== undefined) {
          resolve(reply);
        } else if (signal?.aborted === true) {
          reject(signal.reason as Error);
        } else {
          reject(toError(failure as ServiceError, this.servers[server] ?? ""));
        }
      });
      const abort = (): void => {
        call.cancel();
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  async *stream(server: number, path: string, payload: Uint8Array, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    signal?.throwIfAborted();
    const call: ClientReadableStream<Uint8Array> = this.client(server).makeServerStreamRequest(path, same, asBytes, payload);
    const abort = (): void => {
      call.cancel();
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      for await (const message of call) {
        yield message as Uint8Array;
      }
    } catch (failure) {
      signal?.throwIfAborted();
      throw toError(failure as ServiceError, this.servers[server] ?? "");
    } finally {
      signal?.removeEventListener("abort", abort);
      call.on("error", () => undefined); // a cancelled call reports its end; nobody listens any more
      call.cancel();
    }
  }

  async upload(
    server: number, path: string, payloads: AsyncIterable<Uint8Array>, timeoutMs?: number, signal?: AbortSignal,
  ): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const client = this.client(server);
    return new Promise((resolve, reject) => {
      const deadline = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs;
      let own: unknown; // what the caller's iterator threw
      const call = client.makeClientStreamRequest(path, same, asBytes, new Metadata(), { deadline }, (failure, reply) => {
        signal?.removeEventListener("abort", abort);
        if (failure === null && reply !== undefined) {
          resolve(reply);
        } else if (signal?.aborted === true || own !== undefined) {
          reject((own ?? signal?.reason) as Error);
        } else {
          reject(toError(failure as ServiceError, this.servers[server] ?? ""));
        }
      });
      const abort = (): void => {
        call.cancel();
      };
      signal?.addEventListener("abort", abort, { once: true });
      // The stream says when it is full; what waits for that is told of its end, too.
      const room = (): Promise<void> =>
        new Promise((go) => {
          call.once("drain", go).once("close", go).once("error", go);
        });
      const send = async (): Promise<void> => {
        for await (const payload of payloads) {
          if (call.destroyed) return;
          if (!call.write(payload)) await room();
        }
        call.end();
      };
      send().catch((error: unknown) => {
        own = error;
        call.cancel();
      });
    });
  }

  now(): number {
    return performance.now();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, ms);
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  close(): void {
    this.closed = true;
    for (const client of this.clients.values()) {
      client.close();
    }
    this.clients.clear();
  }
}


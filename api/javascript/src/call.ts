/**
 * What a call does beyond one message: retries at the next server, deadlines, pages, and watches that go on after a loss.
 */
import { decode, encode, methodOf } from "./codec.js";
import type { Plain } from "./codec.js";
import { DeadlineExceeded, MethodMissing, PatronusError, Unavailable } from "./errors.js";
import type { Transport } from "./transport.js";
import { LeaderChanged, Overloaded } from "./v1/reasons.js";

/** Milliseconds that a call may take, retries included, unless said otherwise. */
export const TIMEOUT_MS = 15_000;
/** Of several servers, one that is silent gets at most this much of a call. */
export const TRY_FIRST_MS = 3_000;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 1_000;

/** Options of every call. */
export interface CallOptions {
  /** Milliseconds that the call may take, retries included. */
  timeoutMs?: number;
  /** Cancels the call, which then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What the schema says of a kind of resource. */
export interface Kind {
  /** Of its message: "Site". */
  readonly name: string;
  /** As permissions and references call one. */
  readonly singular: string;
  /** As names hold it: "sites". */
  readonly plural: string;
  /** With a star for each id: "organizations, a star, sites, a star". */
  readonly pattern: string;
  /** Computed by the cluster: it can be read only. */
  readonly view: boolean;
  /** Paths of the standard methods that there are. */
  readonly methods: Readonly<Record<string, string>>;
  /** Fields that a user sets. */
  readonly settable: readonly string[];
  /** Fields that may be set at creation only. */
  readonly immutable: readonly string[];
}

/** Pauses between tries: each server once without a pause, then longer and longer ones. */
export class Backoff {
  private tries = 0;

  constructor(private readonly servers: number) {}

  pauseMs(): number {
    this.tries += 1;
    if (this.tries % this.servers !== 0) {
      return 0;
    }
    const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (this.tries / this.servers - 1));
    return longest * (0.5 + Math.random() / 2);
  }

  /** How often every server has been tried. */
  round(): number {
    return Math.floor(this.tries / this.servers);
  }

  reset(): void {
    this.tries = 0;
  }
}

/** What a method takes that takes a stream: a list, or messages as they come. */
export type Requests<T> = Iterable<T> | AsyncIterable<T>;

/** What the calls of one client share. */
export class Session {
  current = 0;

  constructor(readonly transport: Transport, readonly timeoutMs: number) {}

  /** Turn to the next server, unless another call has already turned away from the failed one. */
  next(failed: number): void {
    if (this.current === failed) {
      this.current = (failed + 1) % this.transport.servers.length;
    }
  }

  /**
   * Make a call, at whichever server answers, until the time is over. Reads can be repeated, and so can mutations, whose
   * request id makes the second one answer as the first did. Another method is sent again only when it did not reach a
   * leader.
   */
  async call(path: string, request: Plain, options: CallOptions, repeatable = true): Promise<Plain> {
    const { input, output } = methodOf(path);
    const payload = encode(input, request);
    const { transport } = this;
    const end = transport.now() + (options.timeoutMs ?? this.timeoutMs);
    const backoff = new Backoff(transport.servers.length);
    let cause: PatronusError | undefined;
    for (let left = end - transport.now(); left > 0; left = end - transport.now()) {
      const server = this.current;
      const limit = TRY_FIRST_MS * 2 ** Math.min(backoff.round(), 10);
      const cut = transport.servers.length > 1 && left > limit;
      try {
        return decode(output, await transport.unary(server, path, payload, cut ? limit : left, options.signal));
      } catch (error) {
        if (!(error instanceof PatronusError)) {
          throw error;
        }
        const late = error.code === "DEADLINE_EXCEEDED";
        if (late && !cut) {
          throw cause ?? error;
        }
        if (!mayRepeat(error, repeatable) && !(late && repeatable)) {
          throw error;
        }
        cause = cause === undefined || !late ? error : cause;
        if (!(error instanceof Overloaded)) {
          this.next(server);
        }
        const pause = Math.min(backoff.pauseMs(), Math.max(0, end - transport.now()));
        if (pause > 0) {
          await transport.sleep(pause, options.signal);
        }
      }
    }
    throw cause ?? new DeadlineExceeded("no time was left for the call", { code: "DEADLINE_EXCEEDED" });
  }
}

/** Whether a call that ended so may be sent again. */
export function mayRepeat(error: PatronusError, repeatable: boolean): boolean {
  if (error instanceof Overloaded) {
    return true;
  }
  return error.code === "UNAVAILABLE" && (repeatable || !(error instanceof LeaderChanged));
}

const PAST: Record<string, string> = { get: "read", list: "listed", create: "created", update: "changed", delete: "deleted" };

/** Path of a standard method of a kind. */
export function pathOf(kind: Kind, verb: string): string {
  const path = kind.methods[verb];
  if (path === undefined) {
    throw new MethodMissing(`${kind.plural} cannot be ${PAST[verb] ?? verb}`, { code: "UNIMPLEMENTED", field: kind.plural });
  }
  return path;
}

/** Only what the request has: requests are alike by convention (AIP 131 to 135). */
export function fitting(path: string, values: Plain): Plain {
  const { input } = methodOf(path);
  const there = Object.entries(values).filter(([name, value]) => input.field[name] !== undefined && Boolean(value));
  return Object.fromEntries(there);
}

/** Name of the field that holds the resource. */
export function bodyField(path: string, kind: Kind, where: "input" | "output" = "input"): string {
  const found = methodOf(path)[where].fields.find((field) => field.message?.name === kind.name);
  if (found === undefined) {
    throw new Error(`${path} holds no ${kind.name}`);
  }
  return found.localName;
}

/** Name of the resource above; "" at the top. */
export function parentOf(name: string): string {
  return name.split("/").slice(0, -2).join("/");
}

/** Last segment of a name. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** A server that ended its stream without a word. */
export function streamEnded(): PatronusError {
  return new Unavailable("the server ended the stream", { code: "UNAVAILABLE" });
}

/**
 * Watch: changes as they happen, each once, in order, over the loss of a server.
 *
 * When the stream breaks, the next server is asked to go on behind the last resume token. Tokens stand at the end of a
 * transaction and behind the initial state; what came since the last one comes again, told by its name and revision. Only
 * a token that is older than the history kept ends a watch: HistoryCompacted, then list and watch anew.
 */
import { Backoff, mayRepeat, streamEnded } from "./call.js";
import type { CallOptions, Kind, Session } from "./call.js";
import { decode, encode, methodOf } from "./codec.js";
import { PatronusError } from "./errors.js";
import type { AnyResource } from "./v1/models.js";

const PATH = "/patronus.v1.WatchService/Watch";
/** A stream that lasted this long was a good one, though nothing may have come. */
const STEADY_MS = 5_000;

/** What happened. */
export type EventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";

/** One change. */
export interface WatchEvent<R = AnyResource> {
  /** What happened to it. */
  readonly type: EventType;
  /** Name of the resource; "" in a BOOKMARK. */
  readonly name: string;
  /** As it is now, in DELETED as it was last; undefined in a BOOKMARK and for a kind not known here. */
  readonly resource: R | undefined;
  /** Log index of the change. */
  readonly revision: bigint;
  /** Give it to watch() to go on right behind this event; "" in the midst of a transaction or of the initial state. */
  readonly resumeToken: string;
}

/** What to watch. */
export interface WatchOptions extends Pick<CallOptions, "signal"> {
  /** Name of a resource or parent; everything when unset. */
  parent?: string;
  /** Kinds by plural, for example "sites". */
  kinds?: readonly string[];
  /** Equality and AND, as in a list; what stops to fit is told as DELETED. */
  filter?: string;
  /** Of an earlier event: go on right behind it. */
  resumeToken?: string;
  /** First an ADDED for everything there is. */
  sendInitial?: boolean;
  /** Also give BOOKMARKs, which carry fresh resume tokens. */
  bookmarks?: boolean;
  /** Seconds between BOOKMARKs of a quiet stream. */
  bookmarkInterval?: number;
  /** Milliseconds to look for a server that answers before giving up; two minutes when unset. */
  patienceMs?: number;
}

/** Events since the last resume token: what a new stream says again is left out, what it no longer says is gone. */
export class Progress {
  private seen = new Map<string, WatchEvent[]>();
  private before = new Map<string, WatchEvent[]>();

  /** A new stream begins behind the last token. */
  reopened(): void {
    for (const [name, events] of this.seen) {
      this.before.set(name, [...(this.before.get(name) ?? []), ...events]);
    }
    this.seen = new Map();
  }

  /** What is news in this event. */
  take(event: WatchEvent, initial: boolean): WatchEvent[] {
    const bookmark = event.type === "BOOKMARK";
    const news = bookmark ? [] : this.toldOnce(event, initial);
    if (!bookmark) {
      this.seen.set(event.name, [...(this.seen.get(event.name) ?? []), event]);
    }
    if (event.resumeToken !== "") {
      const gone = [...this.before].filter(([name]) => initial && !this.seen.has(name)).map(([, events]) => events.at(-1));
      news.unshift(...gone.filter((last) => last !== undefined).map((last) => ({ ...last, type: "DELETED" as const })));
      this.seen = new Map();
      this.before = new Map();
    }
    return bookmark ? [...news, event] : news;
  }

  private toldOnce(event: WatchEvent, initial: boolean): WatchEvent[] {
    const told = this.before.get(event.name) ?? [];
    const known = told.some((e) => e.revision === event.revision && (initial || e.type === event.type));
    if (known) {
      return [];
    }
    return initial && told.length > 0 ? [{ ...event, type: "MODIFIED" }] : [event];
  }
}

/** Events for ever; throws what cannot be mended by another server. Leaving the iteration, or the signal, ends it. */
export async function* watch(session: Session, options: WatchOptions): AsyncGenerator<WatchEvent, void, undefined> {
  const { input } = methodOf(PATH);
  const { parent, kinds, filter, sendInitial = false, bookmarks = false, patienceMs = 120_000, signal } = options;
  const interval = options.bookmarkInterval;
  const backoff = new Backoff(session.transport.servers.length);
  const progress = new Progress();
  let token = options.resumeToken ?? "";
  let failingSince: number | undefined;
  for (;;) {
    const server = session.current;
    const opened = session.transport.now();
    const request = encode(input, {
      parent, kinds, filter, resumeToken: token, sendInitial: sendInitial && token === "", bookmarkInterval: interval,
    });
    let cause: PatronusError = streamEnded();
    try {
      for await (const data of session.transport.stream(server, PATH, request, signal)) {
        backoff.reset();
        failingSince = undefined;
        const event = read(data);
        const news = progress.take(event, sendInitial && token === "");
        token = event.resumeToken === "" ? token : event.resumeToken;
        for (const one of news) {
          if (one.type !== "BOOKMARK" || bookmarks) {
            yield one;
          }
        }
      }
    } catch (error) {
      if (!(error instanceof PatronusError) || !mayRepeat(error, true)) {
        throw error;
      }
      cause = error;
    }
    const now = session.transport.now();
    failingSince = failingSince === undefined || now - opened > STEADY_MS ? now : failingSince;
    if (now - failingSince > patienceMs) {
      throw cause;
    }
    progress.reopened();
    session.next(server);
    await session.transport.sleep(backoff.pauseMs(), signal);
  }
}

function read(data: Uint8Array): WatchEvent {
  const plain = decode(methodOf(PATH).output, data) as Partial<WatchEvent>;
  const { type = "BOOKMARK", name = "", resource, revision = 0n, resumeToken = "" } = plain;
  return { type, name, resource, revision, resumeToken };
}

/** Plurals of kinds given as names or as Kind objects. */
export function plurals(kinds: readonly (string | Kind)[]): string[] {
  return kinds.map((kind) => (typeof kind === "string" ? kind : kind.plural));
}

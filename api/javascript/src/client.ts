/** The client: a connection to a cluster. */
import { Session, TIMEOUT_MS } from "./call.js";
import { findServers, loadCredential } from "./credential.js";
import type { Credential } from "./credential.js";
import { GrpcTransport } from "./transport.js";
import type { Transport } from "./transport.js";
import { Services } from "./v1/services.js";
import { watch } from "./watch.js";
import type { WatchEvent, WatchOptions } from "./watch.js";

/** Where and as whom to connect; what is unset is looked for where patronusctl looks for it. */
export interface ClientOptions {
  /** Addresses of controllers, host:port; one string may hold several, with commas. */
  servers?: string | readonly string[];
  /** A credential, or the path of its file. */
  credential?: Credential | string;
  /** Milliseconds that a call may take unless it says otherwise. */
  timeoutMs?: number;
  /** For tests: what stands between the calls and the network. */
  transport?: Transport;
}

/**
 * A connection to a cluster.
 *
 *     const client = new Client();
 *     await client.sites.create({ name: "organizations/acme/sites/nyc", region: "us-east" });
 *     for await (const site of client.sites.list("organizations/acme")) console.log(site.name);
 *     client.close();
 */
export class Client extends Services implements Disposable {
  private readonly session: Session;

  constructor(options: ClientOptions = {}) {
    const { credential } = options;
    const session = new Session(
      options.transport ??
        new GrpcTransport(findServers(options.servers), typeof credential === "object" ? credential : loadCredential(credential)),
      options.timeoutMs ?? TIMEOUT_MS,
    );
    super(session);
    this.session = session;
  }

  /** Changes as they happen, each once and in order, over the loss of servers. Leaving the iteration ends the stream. */
  watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, undefined> {
    return watch(this.session, options);
  }

  /** The server that answers at present. */
  get server(): string {
    return this.session.transport.servers[this.session.current] ?? "";
  }

  /** Close the connections. */
  close(): void {
    this.session.transport.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

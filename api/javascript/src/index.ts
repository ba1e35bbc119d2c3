/** Patronus from JavaScript and TypeScript: a typed client of the SD-WAN's API. */
export { Client } from "./client.js";
export type { ClientOptions } from "./client.js";
export type { CallOptions, Kind, Requests } from "./call.js";
export type {
  Applied, DeleteOptions, GetOptions, ListOptions, Page, PageOptions, Patch, Resource, UpdateOptions, WriteOptions,
} from "./collection.js";
export { Collection, ReadCollection } from "./collection.js";
export { loadCredential, parseCredential } from "./credential.js";
export type { Credential } from "./credential.js";
export {
  Cancelled, CredentialInvalid, DeadlineExceeded, MethodMissing, NotAuthenticated, PatronusError, Unavailable,
} from "./errors.js";
export type { EventType, WatchEvent, WatchOptions } from "./watch.js";
export * from "./v1/models.js";
export * from "./v1/reasons.js";
export { COLLECTIONS, METHODS } from "./v1/services.js";

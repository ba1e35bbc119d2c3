/**
 * Who we are: a client certificate, its key and the cluster's CA, in the file that `patronusd init` writes.
 *
 * The same places are looked at as by patronusctl: an argument, then PATRONUS_CREDENTIAL, then
 * ~/.config/patronus/admin.pem; and for servers an argument, then PATRONUS_SERVER, then 127.0.0.1:7400.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CredentialInvalid } from "./errors.js";

const ADVICE = "the file must hold certificate, key and CA as PEM, as patronusd init writes it";
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^]*?-----END \1-----\n?/g;

/** A client's certificate and key, and the only CA that it trusts; all PEM. */
export interface Credential {
  /** The client's certificate, PEM. */
  certificate: string;
  /** Its private key, PEM. */
  key: string;
  /** The cluster's CA, PEM. */
  ca: string;
}

/** From PEM: the first certificate is the client's, the others are the CA's. */
export function parseCredential(text: string, place = "the credential"): Credential {
  const certificates: string[] = [];
  const keys: string[] = [];
  for (const [block, label = ""] of text.matchAll(BLOCK)) {
    (label.includes("PRIVATE KEY") ? keys : certificates).push(block);
  }
  const [certificate, ...ca] = certificates;
  const key = keys[0];
  if (certificate === undefined || key === undefined || ca.length === 0) {
    const missing = certificate === undefined ? "the certificate" : key === undefined ? "the private key" : "the CA's certificate";
    throw new CredentialInvalid(`${missing} is missing`, { field: place, advice: ADVICE });
  }
  return { certificate, key, ca: ca.join("\n") };
}

/** From a file; without a path, from where patronusctl would take it. */
export function loadCredential(path?: string): Credential {
  const file = path ?? process.env["PATRONUS_CREDENTIAL"] ?? join(homedir(), ".config/patronus/admin.pem");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new CredentialInvalid(`cannot be read: ${(error as Error).message}`, { field: file, advice: ADVICE });
  }
  return parseCredential(text, file);
}

/** Addresses of controllers, host:port; from the argument or the environment. */
export function findServers(servers?: string | readonly string[]): string[] {
  const given = servers ?? process.env["PATRONUS_SERVER"] ?? "127.0.0.1:7400";
  const words = typeof given === "string" ? given.split(",") : given;
  const found = words.map((word) => word.trim()).filter((word) => word !== "");
  if (found.length === 0) {
    throw new CredentialInvalid("names no server; write host:port[,host:port...]", { field: "servers", advice: "" });
  }
  return found;
}

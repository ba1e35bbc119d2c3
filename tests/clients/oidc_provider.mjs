// An OpenID provider for tests/clients/oidc.sh: oidc-provider with one client, tokens as JWT for the audience
// "patronus", keys made anew at each start.
//
// Usage: node oidc_provider.mjs PORT KEY.pem CERT.pem ALG KID, with NODE_PATH where oidc-provider is installed
import { createServer } from "node:https";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [port, key, cert, alg, kid] = process.argv.slice(2);
const require = createRequire(`${process.env.OIDC_MODULES}/x.js`);
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const kinds = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }], EdDSA: ["ed25519", {}] };
const pair = generateKeyPairSync(...kinds[alg]);
const provider = new Provider(`https://127.0.0.1:${port}`, {
  jwks: { keys: [{ ...pair.privateKey.export({ format: "jwk" }), kid, use: "sig", alg }] },
  clients: [{
    client_id: "ci", client_secret: "a-secret-of-the-test", grant_types: ["client_credentials"], redirect_uris: [],
    response_types: [], token_endpoint_auth_method: "client_secret_post", id_token_signed_response_alg: alg,
  }],
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA"] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:patronus",
      getResourceServerInfo: (_context, resource) => ({
        scope: "api", audience: resource === "urn:other" ? "other" : "patronus", accessTokenFormat: "jwt",
        accessTokenTTL: 600, jwt: { sign: { alg } },
      }),
    },
  },
});
createServer({ key: readFileSync(key), cert: readFileSync(cert) }, provider.callback()).listen(Number(port), "127.0.0.1", () => {
  console.log("ready");
});

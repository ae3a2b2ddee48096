// An OpenID Connect provider for tests: oidc-provider on loopback, with a login page of its own that asks for a name and
// believes it. Reads its clients (JSON) from standard input, prints "ready", and serves until standard input closes.
// POST /control/keys makes new signing keys, as a provider does that rotates them.
import { once } from "node:events";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";

import { Provider } from "oidc-provider";

const [line] = await once(process.stdin.setEncoding("utf8"), "data");
const { port, clients } = JSON.parse(line);
const issuer = `http://127.0.0.1:${port}`;
process.stdin.on("end", () => process.exit(0));

const newKeys = () => [
  ["rsa", { modulusLength: 2048 }, "RS256"],
  ["ec", { namedCurve: "P-256" }, "ES256"],
  ["ed25519", {}, "Ed25519"],
].map(([kind, options, alg]) => ({ ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }), alg, use: "sig", kid: randomUUID() }));

function newProvider() {
  const made = new Provider(issuer, {
    clients,
    jwks: { keys: newKeys() },
    cookies: { keys: [randomUUID()] },
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "Ed25519"] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true, logoutSource: logout } },
    claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email"] },
    conformIdTokenClaims: false,
    // It would not call an address of this machine by itself; here the node that it tells about sign-outs is one.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
    pkce: { required: () => true },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id, name: id, email: `${id}@works.example` }) }),
    async loadExistingGrant(context) {
      const grant = new made.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
  });
  for (const event of ["server_error", "backchannel.error"]) made.on(event, (_, error) => console.error(event, error));
  return made;
}

function logout(context, form) {
  context.body = `<!doctype html><title>Sign out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
}

let provider = newProvider();

async function body(request) {
  let text = "";
  for await (const part of request) text += part;
  return text;
}

const server = createServer(async (request, response) => {
  const path = new URL(request.url, issuer).pathname;
  if (path === "/control/keys") {
    provider = newProvider();
    response.end("ok");
  } else if (path.startsWith("/interaction/") && request.method === "GET") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>Works directory</title><link rel="icon" href="data:,"><h1>Works directory</h1>
      <form method="post"><label>Name <input name="login" autofocus></label><button>Continue</button> <button name="refuse" value="yes">Refuse</button></form>`);
  } else if (path.startsWith("/interaction/")) {
    const form = new URLSearchParams(await body(request));
    const result = form.has("refuse") ? { error: "access_denied" } : { login: { accountId: form.get("login") } };
    await provider.interactionFinished(request, response, result);
  } else {
    provider.callback()(request, response);
  }
});
server.listen(port, "127.0.0.1", () => { console.log("ready"); });

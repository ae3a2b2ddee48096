// Runs GS1's test suite of resolvers, which is not part of this tree, against a server on this machine.
//
//   node gs1_resolver_suite.js SUITE SCHEMAS AJV http://127.0.0.1:PORT https://id.node.example/01/…
//
// The suite is made for a browser: it shows what it finds in a page, and asks by a helper in PHP. Here is what it needs of
// the page, and the helper's answers. Prints the results as JSON.
"use strict";
const fs = require("fs");
const http = require("http");
const path = require("path");
const vm = require("vm");

const [suite, schemas, ajv, server, link] = process.argv.slice(2);
const HELPER = "tester.php";
const SCHEMAS = {
  "https://gs1.github.io/linkset/gs1-linkset-schema.json": "gs1-linkset-schema.json",
  "https://ref.gs1.org/standards/resolver/description-file-schema": "description-file-schema.json",
};

function ask(url, method, headers) {
  const target = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.request(
      server + target.pathname + target.search,
      { method, headers: { ...headers, Host: target.host, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https" } },
      (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString() }));
      },
    );
    request.on("error", reject);
    request.end();
  });
}

async function help(parameters) {
  const uri = parameters.get("testVal");
  const wished = { Origin: "https://ref.gs1.org/test-suites/resolver/" };
  if (parameters.has("mediaType")) wished.Accept = parameters.get("mediaType");
  if (parameters.get("lang")) wished["Accept-Language"] = parameters.get("lang");
  switch (parameters.get("test")) {
    case "getHTTPversion":
      return "HTTP/1.1";
    case "getAllHeaders": {
      const answer = await ask(uri, "GET", wished);
      return { uri, httpCode: answer.status, ...answer.headers };
    }
    case "getLinksetHeaders": {
      const answer = await ask(uri, "GET", { ...wished, Accept: "application/linkset+json" });
      return { uri, httpCode: answer.status, ...answer.headers };
    }
    case "getCorsHeaders": {
      const answer = await ask(uri, "OPTIONS", { ...wished, "Access-Control-Request-Method": "GET,HEAD,OPTIONS" });
      return { uri, httpCode: answer.status, ...answer.headers };
    }
    case "getLinkset": {
      const answer = await ask(uri, "GET", { ...wished, Accept: "application/linkset+json" });
      return JSON.stringify({ uri, httpCode: answer.status, headers: answer.headers, responseBody: encodeURIComponent(answer.body) });
    }
  }
  throw new Error(`no helper for ${parameters.get("test")}`);
}

async function pretendFetch(input, options) {
  const url = typeof input === "string" ? input : input.url;
  const given = (value) => ({ ok: true, status: 200, json: async () => value });
  if (url.includes(HELPER)) return given({ result: await help(new URL(url).searchParams) });
  if (SCHEMAS[url]) return given(JSON.parse(fs.readFileSync(path.join(schemas, SCHEMAS[url]), "utf8")));
  if (new URL(url).host !== new URL(link).host) throw new Error(`${url} is not at hand`);
  const method = (typeof input === "string" ? options && options.method : input.method) || "GET";
  const answer = await ask(url, method.toUpperCase(), {});
  return { ok: answer.status < 400, status: answer.status, json: async () => JSON.parse(answer.body) };
}

const element = () => ({ style: {}, appendChild() {}, prepend() {}, remove() {} });
const sandbox = {
  console: { log() {}, error() {} }, URL, encodeURIComponent, decodeURIComponent, setTimeout, fetch: pretendFetch,
  window: { ajv7: require(ajv) }, location: { href: "https://suite.example/" },
  document: { getElementById: element, createElement: element, createTextNode: element },
  Request: class { constructor(url, options) { this.url = url; this.method = options && options.method; } },
  Headers: class {},
};
sandbox.globalThis = sandbox;
vm.createContext(sandbox);
const source = ["GS1DigitalLinkToolkit.js", "GS1DigitalLinkResolverTestSuite.js"]
  .map((name) => fs.readFileSync(path.join(suite, name), "utf8"))
  .join("\n");
vm.runInContext(`${source}\n;globalThis.run = testDL; globalThis.found = () => resultsArray;`, sandbox);

sandbox.run(link).then(async () => {
  await new Promise((resolve) => setTimeout(resolve, 300));
  const shown = sandbox.found().map(({ id, status, test, msg }) => ({ id, status, test, msg }));
  console.log(JSON.stringify(shown));
});

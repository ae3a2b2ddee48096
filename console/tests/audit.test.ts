import { describe, expect, it } from "vitest";

import type { Proof } from "../src/api/model";
import { check, hex, unhex } from "../src/audit/proof";
import { sm3 } from "../src/audit/sm3";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("sm3", () => {
  it("is the national standard (GB/T 32905-2016, annex A)", () => {
    expect(hex(sm3(bytes("abc")))).toBe("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    expect(hex(sm3(bytes("abcd".repeat(16))))).toBe("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
  });
});

/** A proof as a node gave it: entry 1 of 3, signed by the log's key. */
async function proofOf(entries: string[], index: number): Promise<Proof> {
  const hash = async (...parts: Uint8Array[]): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(parts.flatMap((p) => [...p]))));
  const leaves = await Promise.all(entries.map((e) => hash(Uint8Array.of(0), bytes(e))));
  const [a, b, c] = leaves as [Uint8Array, Uint8Array, Uint8Array];
  const pair = await hash(Uint8Array.of(1), a, b);
  const root = await hash(Uint8Array.of(1), pair, c);
  const key = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", key.publicKey));
  const name = "example.com/log";
  const id = (await hash(bytes(`${name}\n`), Uint8Array.of(1), raw)).slice(0, 4);
  const base64 = (data: Uint8Array): string => btoa(String.fromCharCode(...data));
  const text = `${name}\n3\n${base64(root)}\n`;
  const made = new Uint8Array(await crypto.subtle.sign("Ed25519", key.privateKey, Uint8Array.from(bytes(text))));
  const paths = [[b, c], [a, c], [pair]] as const;
  return {
    index, size: 3, algorithm: "sha256", entry: entries[index] ?? "", leaf: hex(leaves[index] ?? a), path: (paths[index] ?? []).map(hex), root: hex(root),
    checkpoint: `${text}\n— ${name} ${base64(Uint8Array.from([...id, ...made]))}\n`, keys: [`${name}+${hex(id)}+${base64(Uint8Array.from([1, ...raw]))}`], disclosures: [],
  };
}

describe("check", () => {
  it.each([0, 1, 2])("finds entry %i in the log", async (index) => {
    const { leaf, path, head, signature } = await check(await proofOf(["one", "two", "three"], index));
    expect([leaf, path, head, signature]).toEqual(["right", "right", "right", "right"]);
  });
  it("finds what was changed", async () => {
    const proof = await proofOf(["one", "two", "three"], 1);
    expect((await check({ ...proof, entry: "TWO" })).path).toBe("wrong");
    expect((await check({ ...proof, index: 0 })).path).toBe("wrong");
    expect((await check({ ...proof, path: proof.path.slice(1) })).path).toBe("wrong");
    expect((await check({ ...proof, root: hex(new Uint8Array(32)) })).head).toBe("wrong");
    expect((await check({ ...proof, checkpoint: proof.checkpoint.replace("\n3\n", "\n4\n") })).signature).toBe("wrong");
    expect((await check({ ...proof, keys: [] })).signature).toBe("wrong");
  });
  it("reads hex", () => { expect(hex(unhex("00ff10"))).toBe("00ff10"); });
});

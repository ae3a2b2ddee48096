/** Checks the proof of an entry here in the browser (RFC 9162, 2.1.3.2): the node's word is not needed. */
import type { Proof } from "../api/model";
import { sm3 } from "./sm3";

export type Verdict = "right" | "wrong" | "unchecked";
export interface Checked { leaf: Verdict; path: Verdict; head: Verdict; signature: Verdict; steps: { left: boolean; hash: string }[] }
type Hash = (data: Uint8Array) => Promise<Uint8Array>;

export const unhex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const hex = (data: Uint8Array): string => [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const unbase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const joined = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
};

/** Browsers offer their cryptography to pages that came by HTTPS or from this machine only. */
export const canHash = (algorithm: string): boolean => algorithm === "sm3" || typeof globalThis.crypto?.subtle !== "undefined";

function hasher(algorithm: string): Hash {
  if (algorithm === "sm3") return (data) => Promise.resolve(sm3(data));
  return async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(data)));
}

export async function check(proof: Proof): Promise<Checked> {
  const hash = hasher(proof.algorithm);
  const leaf = await hash(joined(Uint8Array.of(0), new TextEncoder().encode(proof.entry)));
  const { steps, root } = await climb(hash, leaf, proof);
  const [text = "", lines = ""] = splitNote(proof.checkpoint);
  const [, size = "", encoded = ""] = text.split("\n");
  const signed = hex(unbase64(encoded));
  const headFits = size === String(proof.size) && signed === proof.root;
  return {
    leaf: hex(leaf) === proof.leaf ? "right" : "wrong",
    path: root !== null && hex(root) === signed ? "right" : "wrong",
    head: headFits ? "right" : "wrong",
    signature: await checkSignature(text, lines, proof.keys),
    steps,
  };
}

async function climb(hash: Hash, leaf: Uint8Array, proof: Proof): Promise<{ steps: Checked["steps"]; root: Uint8Array | null }> {
  const steps: Checked["steps"] = [];
  let [place, last, found] = [proof.index, proof.size - 1, leaf];
  if (place > last) return { steps, root: null };
  for (const sibling of proof.path) {
    if (last === 0) return { steps, root: null };
    const left = place % 2 === 1 || place === last;
    found = await hash(joined(Uint8Array.of(1), ...(left ? [unhex(sibling), found] : [found, unhex(sibling)])));
    steps.push({ left, hash: sibling });
    if (left) while (place % 2 === 0 && place > 0) [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
    [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
  }
  return { steps, root: last === 0 ? found : null };
}

const splitNote = (note: string): [string, string] => {
  const at = note.lastIndexOf("\n\n");
  return at < 0 ? [note, ""] : [note.slice(0, at + 1), note.slice(at + 2)];
};

/** Whether a key of the log signed the text; unchecked where the browser knows no Ed25519. */
async function checkSignature(text: string, lines: string, keys: readonly string[]): Promise<Verdict> {
  if (typeof globalThis.crypto?.subtle === "undefined") return "unchecked";
  for (const key of keys) {
    const [name = "", id = "", ...rest] = key.split("+");
    if (unbase64(rest.join("+"))[0] !== 1) continue; // SM2, which no browser knows, signs beside Ed25519
    const line = lines.split("\n").find((one) => {
      const encoded = one.split(" ").at(-1) ?? "";
      return one.startsWith(`— ${name} `) && hex(unbase64(encoded).slice(0, 4)) === id;
    });
    if (!line) continue;
    try {
      const used = await crypto.subtle.importKey("raw", joined(unbase64(rest.join("+")).slice(1)), "Ed25519", false, ["verify"]);
      const made = joined(unbase64(line.split(" ").at(-1) ?? "").slice(4));
      return (await crypto.subtle.verify("Ed25519", used, made, new TextEncoder().encode(text))) ? "right" : "wrong";
    } catch {
      return "unchecked";
    }
  }
  return "wrong";
}

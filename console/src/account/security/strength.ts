/** A rough measure of how hard a password is to guess, for a hint while it is typed: 0 (at once) to 3 (hard). */
export function strengthOf(password: string): 0 | 1 | 2 | 3 {
  const plain = [...password.normalize("NFKC")];
  // A letter that repeats or continues the one before adds little: "aaaa", "1234".
  let bits = 0;
  const kinds = /^\p{Ll}+$/u.test(password) ? 4 : 5;
  plain.forEach((each, at) => {
    const step = at ? (each.codePointAt(0) ?? 0) - (plain[at - 1]?.codePointAt(0) ?? 0) : 9;
    const seen = plain.slice(0, at).filter((one) => one === each).length;
    bits += Math.abs(step) <= 1 ? 0.5 : (each.codePointAt(0) ?? 0) > 0x2e80 ? 8 : kinds / (1 + seen / 2);
  });
  return plain.length < 12 || bits < 24 ? 0 : bits < 34 ? 1 : bits < 44 ? 2 : 3;
}

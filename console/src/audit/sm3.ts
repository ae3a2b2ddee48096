/** SM3 (GB/T 32905-2016), which browsers do not offer. */
const turn = (x: number, n: number): number => (x << n % 32) | (x >>> (32 - (n % 32)));
const word = (words: Uint32Array, i: number): number => words[i] ?? 0;

export function sm3(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array((((message.length + 8) >> 6) + 1) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 0x20000000));
  view.setUint32(padded.length - 4, message.length << 3);
  const state = new Uint32Array([0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e]);
  const w = new Uint32Array(68);
  for (let at = 0; at < padded.length; at += 64) {
    for (let j = 0; j < 16; j++) w[j] = view.getUint32(at + 4 * j);
    for (let j = 16; j < 68; j++) {
      const x = word(w, j - 16) ^ word(w, j - 9) ^ turn(word(w, j - 3), 15);
      w[j] = x ^ turn(x, 15) ^ turn(x, 23) ^ turn(word(w, j - 13), 7) ^ word(w, j - 6);
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let j = 0; j < 64; j++) {
      const first = j < 16;
      const s1 = turn((turn(a, 12) + e + turn(first ? 0x79cc4519 : 0x7a879d8a, j)) | 0, 7);
      const s2 = s1 ^ turn(a, 12);
      const t1 = ((first ? a ^ b ^ c : (a & b) | (a & c) | (b & c)) + d + s2 + (word(w, j) ^ word(w, j + 4))) | 0;
      const t2 = ((first ? e ^ f ^ g : (e & f) | (~e & g)) + h + s1 + word(w, j)) | 0;
      [d, c, b, a] = [c, turn(b, 9), a, t1];
      [h, g, f, e] = [g, turn(f, 19), e, t2 ^ turn(t2, 9) ^ turn(t2, 17)];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] = word(state, i) ^ value; });
  }
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((value, i) => { out.setUint32(4 * i, value); });
  return new Uint8Array(out.buffer);
}

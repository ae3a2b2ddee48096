/** Where the parts of a code lie in its text, to be coloured in place. */
import type { CodePart } from "../api/model";

export interface Segment { text: string; part: number | null }

/**
 * The text in pieces: those of parts, and what lies between them. Offsets count characters, not UTF-16 units. A part
 * whose value is not what stands there (it was escaped) reaches to the next one; one that stands nowhere is left out.
 */
export function segmentsOf(text: string, parts: readonly Pick<CodePart, "at" | "value">[]): Segment[] {
  const characters = Array.from(text);
  const order = parts.map((part, index) => ({ at: part.at ?? -1, value: Array.from(part.value), index })).filter(({ at }) => at >= 0).sort((a, b) => a.at - b.at);
  const found: Segment[] = [];
  let done = 0;
  order.forEach(({ at, value, index }, place) => {
    if (at < done || at >= characters.length) return;
    if (at > done) found.push({ text: characters.slice(done, at).join(""), part: null });
    const literal = characters.slice(at, at + value.length).join("") === value.join("");
    const end = literal ? at + value.length : (order[place + 1]?.at ?? characters.length);
    found.push({ text: characters.slice(at, end).join(""), part: index });
    done = Math.max(end, at);
  });
  if (done < characters.length) found.push({ text: characters.slice(done).join(""), part: null });
  return found.filter((segment) => segment.text !== "");
}

/** A text before, at and after a character that is wrong; one past the end is shown as a gap. */
export function markedAt(text: string, at: number): [before: string, wrong: string, after: string] {
  const characters = Array.from(text);
  return [characters.slice(0, at).join(""), characters[at] ?? "\u00a0", characters.slice(at + 1).join("")];
}

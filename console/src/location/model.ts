/** What the routes below /location send, with corners as pairs of metres. */
import type { components } from "../api/schema";

type Schemas = components["schemas"];
type Sent<T> = T extends (infer I)[] ? Sent<I>[] : T extends object ? { [K in keyof T]-?: Sent<Exclude<T[K], undefined>> } : T;

export type Corner = [x: number, y: number];
export type Plan = Sent<Schemas["FloorPlan"]>;
export interface Zone { id: string; name: string; plan_id: string | null; place_id: string | null; antennas: { device_id: string; antenna: number | null }[]; polygon: Corner[]; enter_reads: number; exit_s: number; dwell_s: number; certain: boolean; inside: number; revision: number }
export type Reader = Sent<Schemas["Reader"]>;
export type Whereabouts = Sent<Schemas["Whereabouts"]>;
export type LocationEvent = Sent<Schemas["LocationEvent"]>;
export type TrailPoint = Sent<Schemas["TrailPoint"]>;
export type Feedback = Sent<Schemas["Feedback"]>;
export type Reaction = Sent<Schemas["Reaction"]>;

/** Where a tag is drawn: at its position, else at the reader that saw it last. */
export function spotOf(tag: Whereabouts, plan: string, readers: readonly Reader[]): Corner | null {
  if (tag.plan_id === plan && tag.x_m !== null && tag.y_m !== null) return [tag.x_m, tag.y_m];
  const reader = readers.find((one) => one.device_id === tag.reader_id);
  return reader?.plan_id === plan && reader.x_m !== null && reader.y_m !== null ? [reader.x_m, reader.y_m] : null;
}

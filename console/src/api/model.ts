/** What the API sends and takes. Field names and units are the wire's: times are UTC milliseconds named `…_ms`. */

export type Role = "administrator" | "engineer" | "operator" | "viewer";
export interface Page<T> { items: T[]; next: string | null }

export interface Person { id: string; name: string; roles: Role[]; language: string | null; disabled?: boolean; created_ms?: number; signed_in_ms?: number | null }
export interface Session { person: Person; expires_ms: number }
export interface Token { id: string; name: string; person_id: string; roles: Role[]; hint: string; created_ms: number; expires_ms: number | null; used_ms: number | null; token?: string }

export const PLACE_LEVELS = ["enterprise", "site", "area", "line", "cell", "unit"] as const;
export type PlaceLevel = (typeof PLACE_LEVELS)[number];
export interface Place { id: string; parent_id: string | null; level: PlaceLevel; name: string; path: string; device_count: number }

export const PROPERTY_TYPES = ["number", "integer", "boolean", "string"] as const;
export type PropertyType = (typeof PROPERTY_TYPES)[number];
export interface ModelProperty {
  name: string; title?: string | null; title_zh?: string | null; type: PropertyType; unit?: string | null;
  minimum?: number | null; maximum?: number | null; writable?: boolean;
}
export interface ThingModel {
  id: string; name: string; version: number; title?: string | null; title_zh?: string | null; description?: string | null; device_count?: number; properties: ModelProperty[];
  events?: unknown[]; services?: unknown[]; created_ms?: number;
}

export interface Presence { online: boolean; since_ms: number | null; last_seen_ms: number | null; reason: string | null }
export interface Device {
  id: string; name: string; title: string | null; model_id: string | null; model_version: number | null;
  place_id: string | null; place_path: string | null; tags: string[];
  kind: "device" | "sparkplug_edge" | "sparkplug_device"; parent_id: string | null;
  sparkplug: { group_id: string; edge_node_id: string; device_id: string | null } | null;
  disabled: boolean; presence: Presence; alarms_active: number; created_ms: number; revision: number;
}
export type Value = number | boolean | string | null;
export interface Latest { time_ms: number; value: Value; quality: number }
export interface DeviceProperty {
  name: string; title: string | null; title_zh: string | null; unit: string | null; type: PropertyType; known: boolean;
  minimum: number | null; maximum: number | null; latest: Latest | null;
}
export interface Credential { id: string; label: string | null; hint: string; origin: "issued" | "adopted"; created_ms: number; expires_ms: number | null; last_used_ms: number | null }
export interface IssuedCredential { id: string; username: string; token: string; label: string | null; created_ms: number }
export interface ImportReport { created: number; refused: { row: number; name: string; code: string; reason: string }[] }
export interface Arrival {
  id: string; kind: "mqtt" | "sparkplug"; username: string | null; client_id: string | null; peer: string | null; reason: string | null; device_id: string | null; parent_id: string | null;
  attempts: number; first_ms: number; last_ms: number; sparkplug?: { group_id: string; edge_node_id: string; device_id: string | null } | null; properties?: { name: string }[];
}

export interface BucketSeries {
  property: string; unit: string | null; time_ms: number[]; gap_ms?: number | null;
  min?: (number | null)[]; max?: (number | null)[]; mean?: (number | null)[];
}
export interface Buckets { from_ms: number; to_ms: number; width_ms: number; gap_ms?: number | null; series: BucketSeries[] }

export const PRIORITIES = ["critical", "high", "medium", "low"] as const;
export type Priority = (typeof PRIORITIES)[number];
export type Condition =
  | { kind: "limit"; high: number | null; low: number | null; deadband: number; on_delay_s: number; off_delay_s: number }
  | { kind: "rate_of_change"; per_s: number; window_s: number; direction: "both" | "rising" | "falling"; deadband?: number; on_delay_s?: number; off_delay_s?: number }
  | { kind: "stale"; after_s: number };
export interface Rule {
  id: string; name: string; enabled: boolean; scope: { device_id: string | null; model_id: string | null };
  property: string; condition: Condition; priority: Priority; message: string; message_zh: string | null;
}
export const ALARM_STATES = ["unacknowledged", "acknowledged", "returned_unacknowledged", "normal"] as const;
export type AlarmState = (typeof ALARM_STATES)[number];
export interface Alarm {
  id: string; rule_id: string; rule_name: string; device_id: string; device_name: string; property: string;
  priority: Priority; condition_kind: Condition["kind"]; message: string; message_zh: string | null; state: AlarmState;
  active: boolean; acknowledged: boolean; raised_ms: number; returned_ms: number | null; acknowledged_ms: number | null;
  acknowledged_by: string | null; trigger_value: number | null; limit: number | null; unit: string | null; occurrences: number;
  last_occurrence_ms: number | null;
}
export interface AlarmEntry {
  at_ms: number; kind: "raised" | "returned" | "acknowledged" | "comment"; by: string; text: string; value: number | null; source_ms: number | null;
}
export interface Rehearsal {
  from_ms: number; to_ms: number; raised: number; device_count: number;
  devices: { device_id: string; device_name: string; readings: number; raised: number; active_s: number; truncated: boolean; firings: { raised_ms: number; returned_ms: number | null; value: number | null }[] }[];
}
export interface AlarmDetail extends Alarm { history: AlarmEntry[] }
export interface Evidence {
  from_ms: number; to_ms: number; limit_high: number | null; limit_low: number | null; unit: string | null;
  time_ms: number[]; value: (number | string | null)[]; quality: number[]; complete: boolean; problem: string | null;
}

export interface DeadLetter {
  sequence: number; reason: string; text: string; device_id: string | null; topic: string; received_ms: number;
  size: number; preview: string;
}
export interface WholeLetter extends Omit<DeadLetter, "preview"> { payload_text: string | null; payload_base64: string }

export interface Problem { code: string; message: string; hint: string; since_ms: number }
export interface RoleStats {
  role: string; instance: string; pid: number; at_ms: number; started_ms: number; rss_bytes: number; cpu_s: number;
  cpu_percent?: number; state: "running" | "starting" | "restarting" | "lost"; counters: Record<string, number>;
  gauges: Record<string, number>; rates?: Record<string, number>; problems: Problem[];
}
export interface StreamInfo { name: string; messages: number; bytes: number; max_bytes?: number | null; first_sequence?: number; last_sequence?: number }
export interface Overview {
  devices: { total: number; online: number; offline: number; never: number };
  alarms: { active: number; unacknowledged: number; by_priority: Partial<Record<Priority, number>> };
  rates: { messages_per_s: number; points_per_s: number; history: { time_ms: number[]; messages_per_s: number[]; points_per_s: number[] } };
  dead_letters: { count: number | null }; arrivals: { count: number | null };
  storage: { points: number | null; bytes: number | null; disk_free_bytes: number; disk_total_bytes: number };
}
export interface SystemState {
  version: string; roles: RoleStats[]; streams: StreamInfo[]; problems: Problem[];
  settings: { name: string; value: unknown; description?: string; source?: string }[];
}

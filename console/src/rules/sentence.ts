/** A rule in plain words. */
import type { Condition, Priority } from "../api/model";
import type { Dictionary, Formatter } from "../i18n";

export interface Told { condition: Condition; priority: Priority; property: string; unit: string | null }

/** “Raise a high-priority alarm when A feed flow stays below 0.1 kscmh for 30 s; clears above 0.12 kscmh.” */
export function sentence(rule: Told, t: Dictionary, f: Formatter): string {
  const words = t.sentence;
  const name = rule.property || words.aProperty;
  const value = (n: number): string => f.withUnit(Number(n.toPrecision(12)), rule.unit);
  const raise = (when: string, lasting = "", clears = ""): string => words.raise(words.priorities[rule.priority], when, lasting, clears);
  const c = rule.condition;
  if (c.kind === "stale") return raise(words.stale(name, f.seconds(c.after_s)));
  if (c.kind === "rate_of_change") {
    const tell = c.direction === "rising" ? words.rising : c.direction === "falling" ? words.falling : words.rate;
    const held = c.on_delay_s ? words.lasting(f.seconds(c.on_delay_s)) : "";
    return raise(tell(name, value(c.per_s), f.seconds(c.window_s)), held);
  }
  const stays = c.on_delay_s > 0;
  const lasting = stays ? words.lasting(f.seconds(c.on_delay_s)) : "";
  const after = c.off_delay_s > 0 ? words.clearsAfter(f.seconds(c.off_delay_s)) : "";
  const { high, low, deadband } = c;
  if (high !== null && low !== null) {
    const clears = deadband ? words.clearsInside(value(low + deadband), value(high - deadband)) : words.clearsBack;
    return raise((stays ? words.staysOutside : words.outside)(name, value(low), value(high)), lasting, clears + after);
  }
  if (high !== null) return raise((stays ? words.staysAbove : words.above)(name, value(high)), lasting, (deadband ? words.clearsBelow(value(high - deadband)) : words.clearsBack) + after);
  if (low !== null) return raise((stays ? words.staysBelow : words.below)(name, value(low)), lasting, (deadband ? words.clearsAbove(value(low + deadband)) : words.clearsBack) + after);
  return t.rules.needLimit;
}

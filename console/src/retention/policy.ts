/** Retention policies as people read and change them. */
import type { RetentionPolicy } from "../api/model";

export const ALL = "*";

/** Whose series a policy is about: every device's, one device's, or those whose identifier fits a pattern. */
export type Whose = "all" | "one" | "pattern";
export const whoseOf = (policy: Pick<RetentionPolicy, "device_id">): Whose => (policy.device_id === ALL ? "all" : /[*?]/.test(policy.device_id) ? "pattern" : "one");

/** Whether a policy fits every series, so that none after it is ever reached. */
export const fitsAll = (policy: RetentionPolicy): boolean => policy.device_id === ALL && policy.property === ALL;

/** The list with a new policy where it has an effect: before one that fits everything, else at the end. */
export function withNew(policies: readonly RetentionPolicy[], made: RetentionPolicy): RetentionPolicy[] {
  const last = fitsAll(made) ? -1 : policies.findIndex(fitsAll);
  const at = last < 0 ? policies.length : last;
  return [...policies.slice(0, at), made, ...policies.slice(at)];
}

/** The list with the policy at `from` moved to `to`. */
export function moved(policies: readonly RetentionPolicy[], from: number, to: number): RetentionPolicy[] {
  const rest = policies.filter((_, i) => i !== from);
  const one = policies[from];
  return one && to >= 0 && to < policies.length ? [...rest.slice(0, to), one, ...rest.slice(to)] : [...policies];
}

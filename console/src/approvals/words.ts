/** Names of operations, and what a request holds, as people read it. */
import type { Approval, ApprovalAction } from "../api/model";
import { useList } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useText } from "../i18n";
import { valueWords } from "../audit/words";

/** What an operation is called: as a thing to do, not as something that was done. */
export function useActionName(): (name: string) => string {
  const { language } = usePreferences();
  const t = useText();
  const known = useList<ApprovalAction>("/approvals/actions");
  const said = t.audit.actions as Record<string, string>;
  return (name) => {
    const summary = known.data?.find((one) => one.name === name)?.summary;
    return (language === "zh" ? (said[name] ?? summary) : (summary ?? said[name])) ?? name;
  };
}

/** The object of a request. */
export function useObjectName(): (approval: Approval) => string {
  const t = useText();
  return (approval) => {
    const kind = (t.audit.kinds as Record<string, string>)[approval.object_kind] ?? approval.object_kind;
    return [kind, approval.object_name || approval.object_id].filter(Boolean).join(" ");
  };
}

export interface Line { path: string; value: string }

/** A document as lines of path and value. */
export function linesOf(document: unknown, path = ""): Line[] {
  if (Array.isArray(document) && document.some((one) => typeof one === "object" && one !== null))
    return document.flatMap((one, position) => linesOf(one, `${path}${path && " / "}${position + 1}`));
  if (typeof document === "object" && document !== null && !Array.isArray(document))
    return Object.entries(document).flatMap(([key, value]) => linesOf(value, `${path}${path && " / "}${key}`));
  return [{ path, value: Array.isArray(document) ? document.map(valueWords).join(", ") : valueWords(document) }];
}

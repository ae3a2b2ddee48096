/** Asks the node, while fields are typed, what a template says of them. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { post, ProblemError } from "../../api/client";
import type { FieldProblem, TemplateField } from "../../api/identifiers";
import { useSettled } from "../../parts/settled";
import { type Entered, fieldsOf } from "./values";

export interface FieldCheck { fields: Record<string, unknown>; faults: string[]; problems: FieldProblem[]; read: Record<string, unknown> | null; checking: boolean; error: unknown }

export function useFieldCheck(templateId: string, fields: readonly TemplateField[], entered: Entered, of: { version?: number | null; draft?: boolean; revision?: number; enabled?: boolean }): FieldCheck {
  const made = useMemo(() => fieldsOf(fields, entered), [fields, entered]);
  const text = JSON.stringify(made.fields);
  const settled = useSettled(text, 350);
  const asked = useQuery({
    queryKey: ["field-check", templateId, of.version ?? null, of.draft ?? false, of.revision ?? null, settled],
    queryFn: () => post<{ fields: Record<string, unknown> }>(`/identifier-templates/${templateId}/check`, { fields: JSON.parse(settled) as unknown, version: of.version ?? null, draft: of.draft ?? false }),
    retry: false, staleTime: 30_000, placeholderData: keepPreviousData, enabled: of.enabled ?? true,
  });
  const listed = asked.error instanceof ProblemError ? asked.error.problem.data["problems"] : null;
  // What was said of a field counts as long as the field says what it said then.
  const checked = JSON.parse(settled) as Record<string, unknown>;
  const problems = (Array.isArray(listed) ? listed as FieldProblem[] : []).filter(({ field }) => JSON.stringify(checked[field]) === JSON.stringify(made.fields[field]));
  return { ...made, problems, read: asked.error ? null : (asked.data?.fields ?? null), checking: asked.isFetching || settled !== text, error: problems.length > 0 ? null : asked.error };
}

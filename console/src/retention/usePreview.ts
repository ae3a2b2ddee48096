import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";

import { post } from "../api/client";
import type { RetentionPolicy, RetentionPreview } from "../api/model";
import { useSettled } from "../parts/settled";

/** What a list of policies would do now; asked once typing has settled. */
export function usePreview(policies: readonly RetentionPolicy[], enabled = true): UseQueryResult<RetentionPreview> & { current: boolean } {
  const text = JSON.stringify(policies);
  const asked = useSettled(text, 300);
  const found = useQuery({
    queryKey: ["retention", "preview", asked],
    queryFn: () => post<RetentionPreview>("/retention/preview", { policies: JSON.parse(asked) as RetentionPolicy[] }),
    enabled, retry: false, placeholderData: keepPreviousData,
  });
  return { ...found, current: asked === text && !found.isPlaceholderData && found.data !== undefined };
}

/** Readings that a list would remove, all policies together. */
export const expiredOf = (preview: RetentionPreview | undefined): number => (preview?.policies ?? []).reduce((sum, each) => sum + each.expired, 0);
